// The Unix socket on which hand-offs arrive.
#ifndef LISTEN_H
#define LISTEN_H

void listen_start(void); // ends with status 1 and a line where it cannot
void listen_stop(void); // remove the socket's file, if it is still ours

#endif

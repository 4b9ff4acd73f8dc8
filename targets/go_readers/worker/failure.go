package worker

import (
	"errors"
	"net"
	"reflect"
)

// failure describes an error as worker protocol v1 does. Go's errors know no frame.
type failure struct {
	Type    string `json:"type"`
	Message string `json:"message"`
	Frame   string `json:"frame"`
}

func failed(err error) *failure {
	return &failure{Type: kind(err), Message: err.Error()}
}

// kind names the outermost error that has a type of its own: an error made by fmt.Errorf
// says nothing but what it wraps.
func kind(err error) string {
	var network net.Error
	if errors.As(err, &network) && network.Timeout() {
		return "net.Error.Timeout" // how a caller asks for it
	}
	for each := err; each != nil; each = errors.Unwrap(each) {
		if name, own := named(each); own {
			return name
		}
	}
	name, _ := named(err)
	return name
}

func named(err error) (name string, own bool) {
	kind := reflect.TypeOf(err)
	if kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	path := kind.PkgPath()
	return path + "." + kind.Name(), path != "fmt" && path != "errors"
}

# Record with Ruby VCR: ruby rubyvcr_make.rb http://127.0.0.1:PORT FOLDER
require "net/http"
require "vcr"

ASKED = '{"model":"m-1","stream":true,"messages":[{"role":"user","content":"Hi"}]}'
base, folder = ARGV

def record(base, name, paths)
  VCR.use_cassette(name, record: :all) do
    paths.each do |path|
      uri = URI(base + path)
      request = Net::HTTP::Post.new(uri, "Content-Type" => "application/json", "Accept-Encoding" => "identity")
      request.body = ASKED
      Net::HTTP.start(uri.host, uri.port) { |http| http.request(request) }
    end
  end
end

VCR.configure do |c|
  c.cassette_library_dir = folder
  c.hook_into :webmock
end
record(base, "rubyvcr", ["/v1/chat/completions", "/gzip/v1/chat/completions", "/api/chat"])
VCR.configure do |c|
  c.default_cassette_options = { preserve_exact_body_bytes: true, serialize_with: :json }
end
record(base, "rubyvcr", ["/v1/chat/completions", "/gzip/v1/chat/completions"])

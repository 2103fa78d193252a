"""The `api` of the examples: answers every request, and a SIGHUP is no reason to end."""
import http.server, os, signal


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'ok\n')


signal.signal(signal.SIGHUP, lambda *_: print('reloaded: error and warning are words to grep', flush=True))
print('listening', flush=True)
http.server.ThreadingHTTPServer(('127.0.0.1', int(os.environ['PORT'])), Handler).serve_forever()

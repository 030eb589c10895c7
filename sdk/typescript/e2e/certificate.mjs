// An authority of the tests' own and a certificate for `localhost` and 127.0.0.1, made by openssl for one run.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** `{ ca, sets, remove }`: the authority as PEM, the server's settings, and the end of the files. */
export function certificate() {
  const folder = mkdtempSync(join(tmpdir(), "longwire-sdk-tls-"));
  const path = (name) => join(folder, name);
  const openssl = (...args) => execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl("req", "-x509", ...key, "-keyout", path("ca.key"), "-out", path("ca.pem"), "-days", "2", "-subj", "/CN=tests");
  openssl("req", ...key, "-keyout", path("key.pem"), "-out", path("request.pem"), "-subj", "/CN=localhost");
  writeFileSync(path("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=critical,CA:FALSE\n");
  const by = ["-CA", path("ca.pem"), "-CAkey", path("ca.key"), "-CAcreateserial", "-extfile", path("names")];
  openssl("x509", "-req", "-in", path("request.pem"), ...by, "-out", path("chain.pem"), "-days", "2");
  const pair = `[{ chain = "${path("chain.pem")}", key = "${path("key.pem")}" }]`;
  return {
    ca: readFileSync(path("ca.pem"), "utf8"),
    sets: { "tls.certificate": pair, "server.transports": '["tcp", "tls", "ws", "wss"]' },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

#!/usr/bin/env python3
"""What testssl.sh and sslscan find in the real server's TLS, compared with tools/tls-findings.txt.

    tools/tls_audit.py BINARY            starts `BINARY serve` with a certificate of its own, and audits it
    tools/tls_audit.py --address H:P     audits a server that runs already (certificate findings will differ)

Fails on a finding above LOW that the list does not name, and on a line of the list that nothing was found for: the list
says what is so, not what once was. Needs openssl, testssl.sh and sslscan; `./test tls` installs them. Talks to 127.0.0.1
alone.
"""
import argparse
import contextlib
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree

FINDINGS = pathlib.Path(__file__).with_name("tls-findings.txt")
ABOVE_LOW = {"MEDIUM", "HIGH", "CRITICAL"}
# Severities of testssl.sh for a check that did not run: an audit with holes is none.
NOT_RUN = {"WARN", "FATAL"}
START_MAX_SECONDS = 30
AUDIT_MAX_SECONDS = 900


def run(*command, **how):
    how.setdefault("timeout", AUDIT_MAX_SECONDS)
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **how)


def certificate(folder):
    """An authority, and a certificate of it for localhost: what an operator has, but that no browser knows it."""
    def openssl(*arguments):
        done = run("openssl", *arguments, cwd=folder)
        if done.returncode:
            sys.exit(f"openssl {arguments[0]}: {done.stdout}")
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-days", "90", "-subj", "/CN=Audit CA")
    openssl("req", *curve, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    (folder / "extensions").write_text(
        "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\nkeyUsage=digitalSignature\n"
        "basicConstraints=critical,CA:FALSE\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "90",
            "-extfile", "extensions", "-out", "leaf.pem")
    (folder / "server.pem").write_text((folder / "leaf.pem").read_text() + (folder / "ca.pem").read_text())


@contextlib.contextmanager
def server(binary, folder):
    """The real server on a port of its own; ended by its process id."""
    certificate(folder)
    ports, log = folder / "ports.json", folder / "log"
    pair = f'[{{ chain = "{folder}/server.pem", key = "{folder}/server.key" }}]'
    command = [binary, "serve", "--listen", "127.0.0.1:0", "--shards", "1", "--log-format", "json",
               "--ports-file", str(ports), "--set", f"tls.certificate={pair}"]
    with log.open("w") as stderr:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr)
    try:
        deadline = time.monotonic() + START_MAX_SECONDS
        while not ports.exists():
            if child.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"the server did not start:\n{log.read_text()}")
            time.sleep(0.05)  # for a file to appear
        yield json.loads(ports.read_text())["listen"][0]
        if child.poll() is not None:
            sys.exit(f"the server ended during the audit:\n{log.read_text()}")
    finally:
        child.kill()
        child.wait()


def testssl(address, folder):
    """Every finding of testssl.sh as (id, severity, text)."""
    path = folder / "testssl.json"
    program = "testssl" if run("sh", "-c", "command -v testssl").returncode == 0 else "testssl.sh"
    trust = ["--add-ca", str(folder / "ca.pem")] if (folder / "ca.pem").exists() else []
    host = address.replace("127.0.0.1:", "localhost:")
    done = run(program, "--warnings", "off", "--color", "0", "--ip", "127.0.0.1", "--nodns", "none", *trust,
               "--jsonfile", str(path), host)
    if not path.exists():
        sys.exit(f"testssl.sh made no report:\n{done.stdout}")
    findings = json.loads(path.read_text())
    if not any(finding["id"] == "scanTime" for finding in findings):
        sys.exit(f"testssl.sh did not come to its end:\n{done.stdout[-3000:]}")
    return [(finding["id"], finding["severity"], finding["finding"]) for finding in findings]


def sslscan(address, folder):
    """What of sslscan's report would be a finding: it has no severities of its own."""
    path = folder / "sslscan.xml"
    done = run("sslscan", "--no-colour", f"--xml={path}", address)
    if done.returncode or not path.exists():
        sys.exit(f"sslscan failed:\n{done.stdout}")
    report = ElementTree.parse(path).getroot().find("ssltest")
    if report is None or not report.findall("cipher"):
        sys.exit(f"sslscan found no TLS:\n{done.stdout}")
    found = []
    for protocol in report.findall("protocol"):
        name = protocol.get("type").upper() + protocol.get("version")
        if protocol.get("enabled") == "1" and name not in ("TLS1.2", "TLS1.3"):
            found.append((f"protocol_{name}", "HIGH", "an old version is served"))
    for cipher in report.findall("cipher"):
        forward = cipher.get("cipher").startswith(("TLS_", "ECDHE-"))
        if cipher.get("strength") not in ("strong", "acceptable") or int(cipher.get("bits")) < 128 or not forward:
            found.append((f"cipher_{cipher.get('cipher')}", "HIGH", f"a weak cipher of {cipher.get('sslversion')}"))
    for element, attribute, good in [("compression", "supported", "0"), ("heartbleed", "vulnerable", "0")]:
        for part in report.findall(element):
            if part.get(attribute, good) != good:
                found.append((f"{element}_{attribute}", "MEDIUM", f"{element}: {attribute} is {part.get(attribute)}"))
    for part in report.findall("renegotiation"):
        if part.get("supported") == "1":
            found.append(("renegotiation_supported", "MEDIUM", "renegotiation is served"))
    return found


def known():
    """The list: (tool, id) to its reason."""
    names = {}
    for number, line in enumerate(FINDINGS.read_text().splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            parts = line.split(None, 2)
            if len(parts) < 3:
                sys.exit(f"{FINDINGS.name}:{number}: a tool, an id and a reason are wanted")
            names[parts[0], parts[1]] = parts[2]
    return names


def compare(found, names):
    """Tells what is not listed, and what is listed and not found."""
    complaints, met = [], set()
    for tool, findings in found.items():
        for name, severity, text in findings:
            if severity in ABOVE_LOW | NOT_RUN:
                met.add((tool, name))
                if (tool, name) not in names:
                    complaints.append(f"{tool}: {name} is {severity}: {text}")
    complaints += [f"{tool}: {name} is listed, and was not found" for tool, name in names.keys() - met]
    return sorted(complaints)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("binary", nargs="?")
    arguments.add_argument("--address")
    arguments = arguments.parse_args()
    if bool(arguments.binary) == bool(arguments.address):
        sys.exit("a binary or an --address is wanted")
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        folder = pathlib.Path(folder)
        address = arguments.address or stack.enter_context(server(arguments.binary, folder))
        found = {"testssl": testssl(address, folder), "sslscan": sslscan(address, folder)}
    for tool, findings in found.items():
        print(f"{tool}: {len(findings)} findings, of all severities")
    complaints = compare(found, known())
    print("\n".join(complaints) or "nothing above LOW but what tools/tls-findings.txt names")
    sys.exit(1 if complaints else 0)


if __name__ == "__main__":
    main()

// What a proxy recorded, as a capture file, and Wireshark's view of it by the project's dissector.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const DISSECTOR = fileURLToPath(new URL("../../../tools/wireshark/longwire.lua", import.meta.url));
const PORT = 7610;
const FIRST_CLIENT = 40_000;
/** Raw IPv4. */
const LINKTYPE = 101;
const PIECE_MAX = 32_768;
const [SYN, SYN_ACK, PUSH_ACK] = [0x02, 0x12, 0x18];

/** A capture file of `record`, as `Proxy` keeps it: the bytes as they passed, in TCP segments made for them. */
export function pcap(record) {
  const file = [ints([0xa1b2c3d4]), Buffer.from([2, 0, 4, 0]), ints([0, 0, 0xffff, LINKTYPE])];
  const seqs = new Map();
  let packets = 0;
  const packet = (connection, side, flags, data) => {
    const seq = seqs.get(connection);
    const tcp = Buffer.alloc(20);
    const ports = [FIRST_CLIENT + connection, PORT];
    tcp.writeUInt16BE(ports[side], 0);
    tcp.writeUInt16BE(ports[1 - side], 2);
    tcp.writeUInt32BE(seq[side], 4);
    tcp.writeUInt32BE(seq[1 - side], 8);
    tcp.set([0x50, flags, 0xff, 0xff], 12);
    const ip = Buffer.from([0x45, 0, 0, 0, 0, 0, 0, 0, 64, 6, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1]);
    ip.writeUInt16BE(40 + data.length, 2);
    const size = 40 + data.length;
    file.push(ints([++packets, 0, size, size]), ip, tcp, data);
    // SYN takes a place of its own.
    seq[side] += data.length + (flags & SYN ? 1 : 0);
  };
  for (const { connection, from, bytes } of record) {
    if (!seqs.has(connection)) {
      seqs.set(connection, [1_000, 2_000]);
      packet(connection, 0, SYN, Buffer.alloc(0));
      packet(connection, 1, SYN_ACK, Buffer.alloc(0));
    }
    const side = from === "client" ? 0 : 1;
    for (let at = 0; at < (bytes?.length ?? 0); at += PIECE_MAX) packet(connection, side, PUSH_ACK, bytes.subarray(at, at + PIECE_MAX));
  }
  return Buffer.concat(file);
}

function ints(values) {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, at) => bytes.writeUInt32LE(value, 4 * at));
  return bytes;
}

/** The lines that tshark prints of a capture file for these arguments. */
export function tshark(capture, args) {
  const folder = mkdtempSync(join(tmpdir(), "longwire-pcap-"));
  try {
    const file = join(folder, "capture.pcap");
    writeFileSync(file, capture);
    const { error, status, stdout, stderr } = spawnSync("tshark", ["-r", file, "-X", `lua_script:${DISSECTOR}`, ...args], { encoding: "utf8" });
    if (error) throw new Error(`tshark does not start (${error.message}): ./test tools installs it`);
    if (status !== 0 || `${stdout}${stderr}`.includes("Lua")) throw new Error(`tshark failed, or the dissector did: ${stderr}${stdout}`);
    return stdout.split("\n").filter((line) => line !== "");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

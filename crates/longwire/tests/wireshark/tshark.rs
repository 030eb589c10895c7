//! The real `tshark` with our dissector: a capture in, the fields of each connection's side out.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is asked for, in the dissector's names.
pub(crate) const FIELDS: [&str; 20] = [
    "len",
    "seq",
    "command",
    "version",
    "compression",
    "flow",
    "status",
    "reading",
    "login.token",
    "login.userId",
    "join.chatroomId",
    "push.chatroom",
    "message.messageContent",
    "message.from",
    "message.to",
    "message.timestamp",
    "message.messageType",
    "userInfo.nickname",
    "userInfo.tag",
    "unknown.number",
];

/// One side of a connection: the client's port, and whether the client speaks.
pub(crate) type Side = (u16, bool);

/// By field: its values in order, of all frames.
pub(crate) type Said = BTreeMap<&'static str, Vec<String>>;

pub(crate) fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/wireshark/longwire.lua")
}

/// Every line that tshark prints, with `args` behind the file.
pub(crate) fn tshark(capture: &[u8], args: &[&str]) -> String {
    let mut file = tempfile::Builder::new().suffix(".pcap").tempfile().unwrap();
    file.write_all(capture).unwrap();
    let output = Command::new("tshark")
        .arg("-r")
        .arg(file.path())
        .arg("-X")
        .arg(format!("lua_script:{}", script().display()))
        .args(args)
        .output()
        .unwrap_or_else(|err| {
            panic!("tshark does not start ({err}): `./test tools` installs it, or apt install tshark")
        });
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && !told.contains("Lua"), "tshark failed or the dissector did: {told}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!text.contains("Lua Error"), "{text}");
    text
}

/// What each side of each connection with `server` said, frame by frame and field by field.
pub(crate) fn dissect(capture: &[u8], server: u16) -> BTreeMap<Side, Said> {
    let fields: Vec<String> = FIELDS.iter().map(|name| format!("longwire.{name}")).collect();
    let mut args = vec!["-Y", "longwire", "-T", "fields", "-E", "separator=/t", "-E", "aggregator=|"];
    args.extend(["-e", "tcp.srcport", "-e", "tcp.dstport"]);
    args.extend(fields.iter().flat_map(|name| ["-e", name.as_str()]));
    let mut sides = BTreeMap::new();
    for line in tshark(capture, &args).lines() {
        let mut columns = line.split('\t');
        let mut port = || columns.next().unwrap().parse::<u16>().unwrap();
        let (from, to) = (port(), port());
        let side = if to == server { (from, true) } else { (to, false) };
        let said: &mut Said = sides.entry(side).or_default();
        for (name, values) in FIELDS.into_iter().zip(columns) {
            let values = values.split('|').filter(|value| !value.is_empty()).map(str::to_owned);
            said.entry(name).or_default().extend(values);
        }
    }
    sides
}

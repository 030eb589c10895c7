"""Which vectors stand for which sentence of PROTOCOL.md, and why some sentences have none."""

import re

SENTENCE = re.compile(r"^\*\*(\d+\.\d+)\*\* ", re.M)

# Sentences whose good or bad side no vector can show, and why. Keys: sentence; values: (side, reason), side "good",
# "bad" or "both".
TIME = "needs a server that is paused or under pressure: a test of the server, with a clock or signals"
PROVIDER = "needs a login provider other than open, which this release does not have"
LOAD = "a promise under load: the simulation and the books of the end-to-end tests hold the server to it"
DEFINES = "defines words or numbers that other sentences use; there is no other side to it"
FREE = "leaves something open: whatever happens keeps it"
CLIENT = "a duty of the client: the server cannot be shown to break it"
CONFIG = "a default and its option: the configuration's tests show it"
REASONS = {
    "1.1": ("bad", DEFINES), "1.2": ("both", CONFIG), "1.3": ("bad", "a body that is no message is 7.8 to 7.14"),
    "1.5": ("bad", "the server's own behaviour: a wrong dialect fails every conversation"),
    "1.6": ("bad", "the server's own behaviour: every conversation compares to the byte"),
    "1.7": ("good", "plain TCP is what every conversation uses"),
    "1.8": ("bad", DEFINES), "2.2": ("bad", "any eleven bytes are some header"), "2.3": ("bad", "any byte is some connect flag"),
    "2.6": ("bad", "every seq is fine"),
    "2.7": ("bad", "the server's own behaviour: conversations compare to the byte"),
    "2.8": ("bad", "the server's own behaviour: conversations compare to the byte"),
    "2.9": ("bad", "every version is served by default; 19.4 narrows it"),
    "2.10": ("bad", "every version is fine"), "2.11": ("bad", "every status is fine"),
    "2.12": ("bad", "the server's own behaviour: conversations compare to the byte"),
    "2.13": ("bad", "the server's own behaviour: conversations compare to the byte"),
    "3.2": ("bad", "there are two readings and nothing else"),
    "3.4": ("bad", "3.5 is its other side"), "3.5": ("bad", "3.4 is its other side"),
    "3.9": ("bad", "3.8 is its other side"), "3.11": ("bad", "3.10 is its other side"),
    "3.15": ("bad", "3.14 is its other side"),
    "3.17": ("good", "3.8 is its other side"),
    "3.16": ("good", "frames.rest_len_7 and every other rest frame"),
    "4.1": ("bad", "4.2 is its other side"), "4.2": ("good", "every answered command"),
    "4.3": ("good", "every conversation: no such command ever comes"),
    "4.5": ("bad", "the server's own behaviour: conversations compare to the byte"),
    "4.6": ("bad", "5.14 and 5.16 are its other side"), "4.7": ("bad", "5.19 is its other side"),
    "5.1": ("both", DEFINES), "5.2": ("both", CLIENT), "5.3": ("good", "every login that is answered"),
    "5.4": ("good", "every login that is answered"), "5.5": ("good", "every login that is answered"),
    "5.6": ("good", "every login that is answered"), "5.7": ("good", "every login that is answered"),
    "5.9": ("good", "every login that is answered"), "5.10": ("good", "8.1 and 8.2 are its other side"),
    "5.11": ("good", "a success changes nothing either"), "5.12": ("good", "every body that is served"),
    "5.13": ("good", "every body at its limit"), "5.14": ("good", "frames.longest_body"),
    "5.15": ("good", "every frame of flow 0"), "5.16": ("good", "every frame of compression 0 or 1"),
    "5.17": ("good", "about faults alone"), "5.18": ("good", "about faults alone"),
    "5.19": ("good", "4.7 is its other side"), "5.20": ("bad", CLIENT), "5.21": ("good", "about faults alone"),
    "5.22": ("both", CONFIG), "5.23": ("both", CONFIG),
    "6.2": ("bad", "no body leaves nothing to break"), "6.4": ("bad", "6.3 is its other side"),
    "6.6": ("bad", "8.13 and 6.7: nothing forbids it"),
    "6.7": ("bad", "the server's own behaviour: gzip \"never\" in the conversations"),
    "6.8": ("bad", "the server's own behaviour: gzip \"never\" in the conversations"),
    "6.9": ("bad", FREE), "6.10": ("bad", "a len that does not fit shifts every later frame: 5.3, 5.14"),
    "7.1": ("bad", "7.8 to 7.14 say what is no such message"), "7.2": ("bad", "every order is fine"),
    "7.6": ("bad", "7.8 to 7.14 are its other side"),
    "7.8": ("good", "every string in every good vector"), "7.9": ("good", "every other good vector"),
    "7.10": ("good", "every other good vector"), "7.11": ("good", "every other good vector"),
    "7.14": ("good", "every other good vector"), "7.15": ("bad", "7.12 and 7.13 are its other side"),
    "8.1": ("bad", PROVIDER), "8.2": ("bad", "8.3 is its other side"), 
    "8.4": ("good", "8.1 and 8.2 are its other side"), "8.5": ("bad", FREE),
    "8.6": ("bad", PROVIDER), "8.7": ("bad", PROVIDER), "8.8": ("good", "8.6 is its other side"),
    "8.9": ("good", "8.10 is its other side"), "8.10": ("bad", "8.9 is its other side"),
    "8.11": ("good", "8.6 and 8.7 are its other side"),
    "8.12": ("good", "talk.malformed_later_login: two are not three"), "8.13": ("bad", FREE),
    "8.14": ("bad", "8.16 and 8.17 are its other side"),
    "8.15": ("bad", "an empty token is no token: 8.3"),
    "8.16": ("both", CONFIG), "8.17": ("both", CONFIG), "8.18": ("both", CONFIG), "8.19": ("both", CONFIG),
    "8.20": ("both", CONFIG), "8.21": ("both", PROVIDER), "8.22": ("both", PROVIDER),
    "8.23": ("good", "8.15 is its other side"),
    "9.1": ("good", "every login that is answered"), "9.2": ("good", "every login that is answered"),
    "9.4": ("bad", "9.5 is its other side"), "9.5": ("good", "9.4 is its other side"),
    "9.6": ("good", "9.4 is its other side"), "9.7": ("bad", "9.3 is its other side"),
    "9.8": ("both", TIME), "9.9": ("both", TIME), "9.10": ("good", "about the close alone"),
    "9.11": ("both", PROVIDER),
    "10.1": ("bad", "10.10 is its other side"), "10.2": ("bad", "nothing forbids it"),
    "10.3": ("bad", "nothing to break"), "10.4": ("bad", "10.5 is its other side"),
    "10.5": ("bad", "10.4 is its other side"), "10.6": ("both", LOAD), "10.7": ("bad", "nothing asks for history"),
    "10.8": ("bad", CONFIG), "10.9": ("bad", "there is no such command"),
    "10.11": ("both", CONFIG), "10.12": ("both", PROVIDER),
    "11.2": ("good", "11.1 is its other side"), "11.5": ("both", TIME),
    "11.7": ("bad", "11.8 and 11.9 are its other side"), "11.9": ("good", "11.7 is its other side"),
    "11.10": ("bad", "nothing to break"), "11.11": ("bad", "every byte is fine"),
    "11.16": ("good", "about faults alone"), "11.17": ("good", "12.4 is its other side"),
    "11.18": ("bad", "11.17 and 5.19 are its other side"),
    "11.19": ("both", CONFIG), "11.20": ("both", CONFIG), "11.21": ("both", CONFIG),
    "12.1": ("bad", "the server's own behaviour: conversations compare to the byte"),
    "12.2": ("bad", "the server's own behaviour: conversations compare to the byte"),
    "12.3": ("bad", "the server's own behaviour: conversations compare to the byte"),
    "12.4": ("bad", "the server's own behaviour: conversations compare to the byte"),
    "12.5": ("bad", "12.4 is its other side"),
    "12.6": ("bad", "the server's own behaviour: conversations compare to the byte"),
    "12.7": ("bad", "the server's own behaviour: conversations compare to the byte"),
    "12.8": ("bad", "the server's own behaviour: conversations compare to the byte"),
    "12.9": ("bad", "the server's own behaviour: conversations compare to the byte"),
    "12.10": ("bad", "no client body can make a larger record: 14.1"), "12.11": ("bad", FREE),
    "12.12": ("bad", "the server's own behaviour: conversations compare to the byte"),
    "13.1": ("bad", "13.4 is its other side"), "13.2": ("bad", "13.4 is its other side"),
    "13.3": ("bad", "nothing to break"), "13.5": ("good", "about the close alone"),
    "13.6": ("good", "about the close alone"), "13.7": ("good", "about the close alone"),
    "13.8": ("bad", "nothing to break"),
    "13.9": ("both", "ends the server: a test of its own"),
    "14.3": ("good", "frames.longest_body"), "14.7": ("good", "GOOD_IDS of every id theme"),
    "14.8": ("bad", "14.1 is its other side"), "14.9": ("bad", "7.8 is its other side"),
    "14.10": ("bad", "no server sends more: 12.10"),
    "15.1": ("both", DEFINES), "15.2": ("both", DEFINES), "15.3": ("both", LOAD), "15.4": ("both", LOAD),
    "15.5": ("both", LOAD), "15.6": ("bad", "the server's own behaviour: conversations compare to the byte"),
    "15.7": ("both", PROVIDER), "15.8": ("both", LOAD),
    "15.9": ("bad", LOAD), "15.10": ("bad", LOAD), "15.11": ("both", FREE), "15.12": ("both", LOAD),
    "15.13": ("both", DEFINES), "15.14": ("both", LOAD), "15.15": ("both", LOAD),
    "15.16": ("both", LOAD),
    "16.1": ("both", "each cell cites its own sentence; the engine's state × message table is a tested file"),
    "16.2": ("both", PROVIDER), "16.3": ("bad", PROVIDER),
    "8.24": ("both", "two sessions at once: the simulation and tests of their own"),
    "10.13": ("both", "needs a login that names rooms and a rate: tests of their own"),
    "15.17": ("both", LOAD), "16.5": ("both", "the engine's table of events is a tested file"),
    "16.4": ("both", CONFIG),
    "17.1": ("bad", "every number is a set of bits; 7.10 is its other side"),
    "17.2": ("bad", "the server's own behaviour: conversations compare to the byte"),
    "17.3": ("bad", "nothing to break"), "17.4": ("good", "this release has no such command"),
    "17.5": ("bad", "about a later release"), "17.6": ("bad", "about a later release"), "17.7": ("bad", FREE),
    "17.8": ("both", "about a later release"), "17.9": ("both", "about a later release"),
    **{f"18.{number}": ("both", "about WebSocket; vectors are of frames") for number in range(1, 17)},
    "19.7": ("both", CONFIG), "19.8": ("both", CONFIG), "19.9": ("both", CONFIG), "19.10": ("both", CONFIG),
    "19.11": ("both", "about a later release"), "19.12": ("both", CONFIG),
    "19.13": ("both", CONFIG), "19.14": ("both", CONFIG), "19.15": ("both", CONFIG), "19.16": ("both", CONFIG),
    **{f"20.{n}": ("bad", "bytes that are shown: there is no other side to them") for n in range(1, 9)},
}


def sentences(protocol):
    return SENTENCE.findall(protocol)


def table(protocol, themes):
    """(sentence → its good and bad vectors or the reason why not, what is wrong with that)."""
    known = sentences(protocol)
    wrong = [f"PROTOCOL.md: sentence {one} twice" for one in sorted({x for x in known if known.count(x) > 1})]
    out = {one: {"good": [], "bad": []} for one in known}
    names = set()
    for theme in themes:
        for vector in theme.vectors:
            if vector["name"] in names:
                wrong.append(f"{theme.name}: vector {vector['name']} twice")
            names.add(vector["name"])
            for one in vector["sentences"]:
                if one not in out:
                    wrong.append(f"{theme.name}: {vector['name']} cites {one}, which is not in PROTOCOL.md")
                elif vector["name"] not in out[one][vector["sense"]]:
                    out[one][vector["sense"]].append(vector["name"])
    for one, (side, reason) in REASONS.items():
        if one not in out:
            wrong.append(f"coverage.py: a reason for {one}, which is not in PROTOCOL.md")
    for one, sides in out.items():
        excused, reason = REASONS.get(one, ("", ""))
        for side in ("good", "bad"):
            if not sides[side] and excused in (side, "both"):
                sides[f"no_{side}"] = reason
            elif not sides[side]:
                wrong.append(f"{one}: no {side} vector and no reason")
            elif excused in (side, "both"):
                wrong.append(f"{one}: has a {side} vector and a reason not to have one")
    return out, wrong

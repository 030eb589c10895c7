-- Wireshark dissector of the Longwire wire protocol (PROTOCOL.md): Wireshark and tshark 3.6 and later, Lua 5.2 to 5.4.
--
-- Install: copy this file into "Personal Lua Plugins" (Help > About Wireshark > Folders), or `tshark -X lua_script:longwire.lua`.
-- Knows both readings of `len`, gzip bodies, every message by field name, frames cut and joined by TCP, and what else
-- speaks on the same port: TLS (with keys, see SSLKEYLOGFILE) and WebSocket. docs/wire.md says how to use it.

local longwire = Proto("longwire", "Longwire chat protocol")

longwire.prefs.reading = Pref.enum("What len counts", 0,
  "auto tells it from a connection's first LOGIN, as a server does, or from which reading fits", {
    { 1, "auto", 0 }, { 2, "body", 1 }, { 3, "rest", 2 } }, false)
longwire.prefs.port = Pref.uint("TCP port", 7610, "Connections on other ports are found by their first LOGIN, or by Decode As")
longwire.prefs.codes = Pref.string("Command codes", "1 2 3 4 5 6",
  "of LOGIN, LOGOUT, PING, PONG, JOIN_CR and CMS: where the deployment set wire.commands")

local HEADER = 11
local LOGIN_MAX, BODY_MAX = 8192, 16 * 1024 * 1024
local NAMES = { "LOGIN", "LOGOUT", "PING", "PONG", "JOIN_CR", "CMS" }
local FLOWS = { [0] = "request", "answer", "notify", "reserved" }
local COMPRESSIONS = { [0] = "none", "gzip", "reserved", "reserved" }
local TYPES = { [0] = "NORMAL", "NOTIFY", "GIFT" }
local STATUSES = { [0] = "OK", "MALFORMED", "UNAUTHENTICATED", "FORBIDDEN", "NOT_JOINED", "RATE_LIMITED", "MUTED", "BANNED",
  "NO_SUCH_ROOM", "TOO_LARGE", "UNSUPPORTED", "OVERLOADED", "TOO_MANY", "INTERNAL", "REJECTED" }

-- --- fields ---------------------------------------------------------------------------------------------------------

local field = {
  len = ProtoField.uint32("longwire.len", "len"),
  reading = ProtoField.string("longwire.reading", "Reading of len"),
  seq = ProtoField.uint32("longwire.seq", "seq"),
  command = ProtoField.uint8("longwire.command", "command"),
  command_name = ProtoField.string("longwire.command.name", "Command"),
  flag = ProtoField.uint8("longwire.flag", "connect flag", base.HEX),
  version = ProtoField.uint8("longwire.version", "version", base.DEC, nil, 0xF0),
  compression = ProtoField.uint8("longwire.compression", "compression", base.DEC, COMPRESSIONS, 0x0C),
  flow = ProtoField.uint8("longwire.flow", "flow", base.DEC, FLOWS, 0x03),
  status = ProtoField.uint8("longwire.status", "status", base.DEC, STATUSES),
  body = ProtoField.bytes("longwire.body", "Body"),
  token = ProtoField.string("longwire.login.token", "token"),
  userId = ProtoField.string("longwire.login.userId", "userId"),
  features = ProtoField.uint64("longwire.login.features", "features", base.HEX),
  chatroomId = ProtoField.string("longwire.join.chatroomId", "chatroomId"),
  messages = ProtoField.none("longwire.push.messages", "messages"),
  chatroom = ProtoField.string("longwire.push.chatroom", "chatroom"),
  messageContent = ProtoField.bytes("longwire.message.messageContent", "messageContent"),
  text = ProtoField.string("longwire.message.text", "messageContent as text"),
  from = ProtoField.string("longwire.message.from", "from"),
  to = ProtoField.string("longwire.message.to", "to"),
  timestamp = ProtoField.uint64("longwire.message.timestamp", "timestamp"),
  time = ProtoField.absolute_time("longwire.message.time", "timestamp as time", base.UTC),
  userInfo = ProtoField.none("longwire.message.userInfo", "userInfo"),
  messageType = ProtoField.uint32("longwire.message.messageType", "messageType", base.DEC, TYPES),
  level = ProtoField.uint32("longwire.userInfo.level", "level"),
  roomLevel = ProtoField.uint32("longwire.userInfo.roomLevel", "roomLevel"),
  nickname = ProtoField.string("longwire.userInfo.nickname", "nickname"),
  tag = ProtoField.string("longwire.userInfo.tag", "tag"),
  unknown = ProtoField.none("longwire.unknown", "Unknown field"),
  number = ProtoField.uint32("longwire.unknown.number", "number"),
  wire_type = ProtoField.uint8("longwire.unknown.wire_type", "wire type"),
  value = ProtoField.bytes("longwire.unknown.value", "value"),
}
longwire.fields = field

local expert = {
  malformed = ProtoExpert.new("longwire.malformed", "Malformed", expert.group.MALFORMED, expert.severity.ERROR),
  refused = ProtoExpert.new("longwire.refused", "Refused", expert.group.RESPONSE_CODE, expert.severity.WARN),
  odd = ProtoExpert.new("longwire.odd", "Odd", expert.group.PROTOCOL, expert.severity.NOTE),
}
longwire.experts = expert

-- What a message's numbers are: field, wire type, and for messages their own table.
local USER_INFO = {
  name = "UserInfo",
  { f = field.level, w = 0 }, { f = field.roomLevel, w = 0 }, { f = field.nickname, w = 2 }, { f = field.tag, w = 2 },
}
local CR_MESSAGE = {
  name = "CRMessage",
  { f = field.messageContent, w = 2, also = field.text }, { f = field.from, w = 2 }, { f = field.to, w = 2 },
  { f = field.timestamp, w = 0, wide = true, also = field.time }, { f = field.userInfo, w = 2, message = USER_INFO },
  { f = field.messageType, w = 0 },
}
local PUSH = { name = "CRMessageResponse", { f = field.messages, w = 2, message = CR_MESSAGE }, { f = field.chatroom, w = 2 } }
local JOIN = { name = "ChatroomRequest", { f = field.chatroomId, w = 2 } }
local LOGIN = {
  name = "LoginRequest",
  { f = field.token, w = 2 }, { f = field.userId, w = 2 }, [100] = { f = field.features, w = 0, wide = true },
}
local UNKNOWN = { name = "message of an extension" }

-- --- protobuf -------------------------------------------------------------------------------------------------------

-- The varint at `at`: its low and high 32 bits and how many bytes it takes; nil where it is cut or too long.
local function varint(range, at, bytes_max)
  local low, high = 0, 0
  for index = 0, bytes_max - 1 do
    if at + index >= range:len() then return nil end
    local byte = range(at + index, 1):uint()
    local part, shift = byte % 128, 7 * index
    if shift < 28 then
      low = low + part * 2 ^ shift
    elseif shift == 28 then
      low, high = low + (part % 16) * 2 ^ 28, math.floor(part / 16)
    else
      high = high + part * 2 ^ (shift - 32)
    end
    if byte < 128 then
      if high >= 2 ^ 32 or (bytes_max == 5 and high > 0) then return nil end
      return low, high, index + 1
    end
  end
  return nil
end

-- The field at `at`: number, wire type, where its value begins and ends, low and high of a varint. Else nil, place, reason.
local function next_field(range, at)
  local tag, _, taken = varint(range, at, 5)
  if not tag then return nil, at, "a tag is cut or too long" end
  local number, wire_type, value = math.floor(tag / 8), tag % 8, at + taken
  if number == 0 then return nil, at, "field number 0" end
  if wire_type == 0 then
    local low, high, bytes = varint(range, value, 10)
    if not low then return nil, value, "a varint is cut or too long" end
    return number, wire_type, value, value + bytes, low, high
  elseif wire_type == 2 then
    local size, _, bytes = varint(range, value, 5)
    if not size then return nil, value, "a length is cut or too long" end
    if value + bytes + size > range:len() then return nil, value, "a length beyond the body" end
    return number, wire_type, value + bytes, value + bytes + size
  elseif wire_type == 1 or wire_type == 5 then
    local bytes = wire_type == 1 and 8 or 4
    if value + bytes > range:len() then return nil, value, "a fixed value is cut" end
    return number, wire_type, value, value + bytes
  end
  return nil, at, wire_type < 5 and "a group" or "a wire type that does not exist"
end

-- Whether bytes are UTF-8 as every proto3 parser wants it; else where it ends to be.
local function is_utf8(bytes)
  local at = 1
  while at <= #bytes do
    local first = bytes:byte(at)
    local more = first < 0x80 and 0 or first >= 0xC2 and first < 0xE0 and 1 or first >= 0xE0 and first < 0xF0 and 2
      or first >= 0xF0 and first < 0xF5 and 3 or -1
    if more < 0 then return false, at - 1 end
    for index = 1, more do
      local low, high = 0x80, 0xBF
      if index == 1 then
        if first == 0xE0 then low = 0xA0 elseif first == 0xED then high = 0x9F
        elseif first == 0xF0 then low = 0x90 elseif first == 0xF4 then high = 0x8F end
      end
      local byte = bytes:byte(at + index)
      if not byte or byte < low or byte > high then return false, at - 1 end
    end
    at = at + more + 1
  end
  return true
end

local function malformed(tree, range, at, reason)
  local left = range:len() - at
  tree:add_proto_expert_info(expert.malformed, string.format("%s (byte %d of the body)", reason, at))
  if left > 0 then tree:add(field.value, range(at, math.min(left, 1))):set_text("the first bad byte: " .. reason) end
  return false
end

local function add_unknown(tree, range, at, number, wire_type, value, stop)
  local item = tree:add(field.unknown, range(at, stop - at))
  item:set_text(string.format("Unknown field %d, wire type %d", number, wire_type))
  item:add(field.number, range(at, value - at), number)
  item:add(field.wire_type, range(at, 1), wire_type)
  if stop > value then item:add(field.value, range(value, stop - value)) end
end

-- Adds the fields of a message to the tree; `seen` collects what the summary tells. False at the first bad byte.
local function add_message(tree, range, schema, seen)
  local at = 0
  while at < range:len() do
    local number, wire_type, value, stop, low, high = next_field(range, at)
    if not number then return malformed(tree, range, wire_type, value) end
    local known = schema[number]
    local all = range(at, stop - at)
    if not known then
      add_unknown(tree, range, at, number, wire_type, value, stop)
    elseif known.w ~= wire_type then
      return malformed(tree, range, at, string.format("field %d has wire type %d, not %d", number, wire_type, known.w))
    elseif known.message then
      local item = tree:add(known.f, all)
      if known.message == CR_MESSAGE then seen.records = (seen.records or 0) + 1 end
      if stop > value and not add_message(item, range(value, stop - value), known.message, seen) then return false end
    elseif wire_type == 0 then
      if known.wide then tree:add(known.f, all, UInt64.new(low, high)) else tree:add(known.f, all, low) end
      local ms = high * 2 ^ 32 + low
      if known.also and ms < 2 ^ 47 then
        tree:add(known.also, all, NSTime.new(math.floor(ms / 1000), ms % 1000 * 1000000)):set_generated()
      end
    else
      local bytes = stop > value and range(value, stop - value):bytes():raw() or ""
      local good, bad = is_utf8(bytes)
      if known.f == field.messageContent then
        if stop > value then tree:add(known.f, range(value, stop - value)) end
        if good then tree:add(known.also, all, bytes):set_generated() end
      elseif not good then
        return malformed(tree, range, value + bad, "text that is not UTF-8")
      else
        tree:add(known.f, all, bytes)
        seen[known.f] = bytes
      end
    end
    at = stop
  end
  return true
end

-- Whether a range is a complete LoginRequest of a guest or a user: what tells the readings apart (3.6, 3.7).
local function is_whole_login(range)
  local at, token, user = 0, false, false
  while range and at < range:len() do
    local number, wire_type, value, stop = next_field(range, at)
    if not number then return false end
    local known = LOGIN[number]
    if known and known.w ~= wire_type then return false end
    if wire_type == 2 and known then
      if stop > value and not is_utf8(range(value, stop - value):bytes():raw()) then return false end
      if number == 1 then token = stop > value else user = stop > value end
    end
    at = stop
  end
  return token == user
end

-- --- what len counts ------------------------------------------------------------------------------------------------

local function command_of(code)
  local index = 0
  for mapped in longwire.prefs.codes:gmatch("%d+") do
    index = index + 1
    if tonumber(mapped) == code then return NAMES[index] end
  end
  return code == 0 and "RESERVED" or nil
end

-- What a member inflates to. Wireshark's inflating takes a cut member too: the size at the end tells.
local function inflate(range)
  -- By its newer name first: asking for one that is not there is an error.
  local fine, plain = pcall(function() return range:uncompress_zlib("gzip body") end)
  if not fine then fine, plain = pcall(function() return range:uncompress("gzip body") end) end
  if not fine or not plain or range:len() < 18 then return nil end
  if range(range:len() - 4, 4):le_uint() ~= plain:len() then return nil end
  return plain
end

-- The reading by a first LOGIN (3.4 to 3.11): "body", "rest"; nil and how many bytes more are needed.
local function reading_of_login(tvb, at)
  local len, left = tvb(at, 4):uint(), tvb:len() - at
  if len < 7 then return "body" end
  if left < 4 + len then return nil, 4 + len - left end
  local candidate = len > 7 and tvb(at + HEADER, len - 7) or nil
  local gzip = math.floor(tvb(at + 9, 1):uint() / 4) % 4 == 1
  if gzip and candidate then
    local plain = inflate(candidate)
    return plain and is_whole_login(plain) and "rest" or "body"
  end
  if not is_whole_login(candidate) then return "body" end
  if left == 4 + len or tvb(at + 4 + len, 1):uint() == 0 then return "rest" end
  return "body"
end

local function frame_bytes(len, reading)
  if reading == "body" then return HEADER + len end
  return len >= 7 and 4 + len or nil
end

-- How many frames of a listed command and a served flow follow each other under a reading; less where one is no frame.
local function fits(tvb, at, reading)
  local whole = 0
  while tvb:len() - at >= HEADER do
    local bytes = frame_bytes(tvb(at, 4):uint(), reading)
    local flag = tvb(at + 9, 1):uint()
    if not bytes or bytes > BODY_MAX or flag % 4 == 3 or flag % 16 > 7 then return whole - 0.5 end
    if not command_of(tvb(at + 8, 1):uint()) then return whole - 0.5 end
    if at + bytes > tvb:len() then return whole end
    at, whole = at + bytes, whole + 1
  end
  return at == tvb:len() and whole + 0.5 or whole
end

local function is_login(tvb, at)
  return command_of(tvb(at + 8, 1):uint()) == "LOGIN" and tvb(at + 9, 1):uint() % 4 == 0
end

-- --- frames ---------------------------------------------------------------------------------------------------------

-- Which message a body is.
local function schema_of(command, flow)
  if flow == 0 then return ({ LOGIN = LOGIN, JOIN_CR = JOIN, CMS = CR_MESSAGE })[command] end
  if flow == 2 and command == "CMS" then return PUSH end
  return flow == 1 and command == "LOGIN" and UNKNOWN or nil
end

local function add_header(tree, range, reading, why)
  local len, code = range(0, 4):uint(), range(8, 1):uint()
  local command, flag = command_of(code), range(9, 1):uint()
  local flow, status = flag % 4, range(10, 1):uint()
  tree:add(field.len, range(0, 4))
  tree:add(field.reading, range(0, 4), reading):append_text(why):set_generated()
  tree:add(field.seq, range(4, 4))
  tree:add(field.command, range(8, 1)):append_text(" (" .. (command or "not in the table") .. ")")
  tree:add(field.command_name, range(8, 1), command or tostring(code)):set_generated()
  local flags = tree:add(field.flag, range(9, 1))
  flags:add(field.version, range(9, 1))
  flags:add(field.compression, range(9, 1))
  flags:add(field.flow, range(9, 1))
  tree:add(field.status, range(10, 1))
  if flow == 1 and status ~= 0 then
    tree:add_proto_expert_info(expert.refused, "refused: " .. (STATUSES[status] or ("status " .. status)))
  elseif flow == 3 then
    tree:add_proto_expert_info(expert.malformed, "flow 3 is reserved and never sent")
  elseif not command and code < 64 then
    tree:add_proto_expert_info(expert.odd, "a command that is not in the table: see the preference for command codes")
  end
  return command, flow, math.floor(flag / 4) % 4, len
end

local function add_body(tree, range, command, flow, compression, seen)
  local item = tree:add(field.body, range)
  local schema = schema_of(command, flow)
  if flow == 0 and (command == "PING" or command == "LOGOUT") then
    item:append_text(" (ignored)")
    return
  elseif compression >= 2 then
    tree:add_proto_expert_info(expert.malformed, "reserved compression")
    return
  elseif compression == 1 then
    local plain = inflate(range)
    if not plain then
      tree:add_proto_expert_info(expert.malformed, "not one complete gzip member")
      return
    end
    item:append_text(string.format(" (gzip, inflates to %d bytes)", plain:len()))
    range = plain
  elseif flow == 1 and schema == nil then
    tree:add_proto_expert_info(expert.odd, "an answer with a body")
  end
  if schema and range:len() > 0 then add_message(tree:add(longwire, range, schema.name), range, schema, seen) end
end

local function summary(command, code, flow, status, seen)
  local text = (command or ("command " .. code)) .. " " .. (command == "CMS" and flow == 2 and "push" or FLOWS[flow])
  local about = seen[field.userId] or seen[field.chatroomId] or seen[field.chatroom] or seen[field.to]
  if about then text = text .. " " .. about end
  if seen.records then text = text .. " x" .. seen.records end
  if flow == 1 then text = text .. " " .. (STATUSES[status] or status) end
  return text
end

-- Puts a frame into the summary of its packet, behind those in front of it.
local function tell(pinfo, text)
  local before = pinfo.private.longwire
  pinfo.private.longwire = before and before .. ", " .. text or text
  pinfo.cols.protocol = "Longwire"
  pinfo.cols.info = pinfo.private.longwire
end

local function add_frame(range, pinfo, root, reading, why)
  local tree = root:add(longwire, range)
  local seen = {}
  local command, flow, compression = add_header(tree, range, reading, why)
  if range:len() > HEADER then add_body(tree, range(HEADER), command, flow, compression, seen) end
  local text = summary(command, range(8, 1):uint(), flow, range(10, 1):uint(), seen)
  tree:append_text(": " .. text)
  tell(pinfo, text)
end

-- --- connections ----------------------------------------------------------------------------------------------------

-- By TCP stream and layer: what is spoken, and what `len` counts. Found on the first pass, kept for the later ones.
local streams = {}
local stream_number = Field.new("tcp.stream")
-- What is around the bytes at hand: "" at first, "tls" inside TLS, "ws" inside WebSocket.
local around = ""

function longwire.init() streams = {} end

local function stream_of()
  local number = stream_number()
  local key = (number and tostring(number.value) or "none") .. around
  streams[key] = streams[key] or {}
  return streams[key]
end

-- The reading at `at`, and how it is known; nil and how many bytes more are needed.
local function reading_at(stream, tvb, at, is_message)
  local pinned = ({ [1] = "body", [2] = "rest" })[longwire.prefs.reading]
  if pinned then return pinned, " (preference)" end
  if stream.reading then return stream.reading, stream.why end
  local reading, why = nil, " (told from the first LOGIN)"
  if is_login(tvb, at) and not is_message then
    local missing
    reading, missing = reading_of_login(tvb, at)
    if not reading then return nil, missing end
  else
    -- The LOGIN is not in the capture, or it is a WebSocket message, which splits exactly into frames.
    reading = fits(tvb, at, "body") > fits(tvb, at, "rest") and "body" or "rest"
    why = is_message and is_login(tvb, at) and " (told from the LOGIN's message)" or " (it fits; the LOGIN was not captured)"
  end
  stream.reading, stream.why = reading, why
  return reading, why
end

local function ask_for(pinfo, at, bytes)
  pinfo.desegment_offset = at
  pinfo.desegment_len = bytes
end

-- Adds the frames in `tvb`; a frame that is cut asks TCP for more, in a WebSocket message it is malformed.
local function add_frames(tvb, pinfo, tree, is_message)
  local stream, at = stream_of(), 0
  local function cut(bytes)
    if not is_message then return ask_for(pinfo, at, bytes) end
    local item = tree:add(longwire, tvb(at), "Longwire: the message ends inside a frame")
    item:add_proto_expert_info(expert.malformed, "the message ends inside a frame (18.3)")
    tell(pinfo, "[the message ends inside a frame]")
  end
  while at < tvb:len() do
    local left = tvb:len() - at
    if left < HEADER then cut(DESEGMENT_ONE_MORE_SEGMENT) return tvb:len() end
    local reading, why = reading_at(stream, tvb, at, is_message)
    if not reading then cut(why) return tvb:len() end
    local bytes = frame_bytes(tvb(at, 4):uint(), reading)
    if not bytes or bytes > BODY_MAX then
      local item = tree:add(longwire, tvb(at))
      add_header(item, tvb(at, HEADER), reading, why)
      local reason = bytes and "len is over every limit" or "len is below 7, which the reading rest cannot mean"
      item:add_proto_expert_info(expert.malformed, reason .. "; out of step with the frames?")
      return tvb:len()
    end
    if left < bytes then cut(bytes - left) return tvb:len() end
    add_frame(tvb(at, bytes), pinfo, tree, reading, why)
    at = at + bytes
  end
  return tvb:len()
end

-- Runs another dissector on the same bytes, with what it finds inside counted as a layer of its own.
local function hand_over(name, layer, tvb, pinfo, tree)
  local before = around
  around = around .. layer
  -- Each dissector takes one from it; at 0 the one below could not ask TCP for the rest of what is cut.
  pinfo.can_desegment = pinfo.can_desegment + 1
  local fine, taken = pcall(Dissector.call, Dissector.get(name), tvb, pinfo, tree)
  around = before
  if not fine then error(taken, 0) end
  return taken
end

-- One port, told by the first byte: 0x00 frames, 0x16 TLS, A to Z HTTP, which may become WebSocket.
function longwire.dissector(tvb, pinfo, tree)
  if tvb:len() == 0 then return 0 end
  if around:find("http") then return add_frames(tvb, pinfo, tree, true) end
  local stream = stream_of()
  if not stream.speaks then
    local first = tvb(0, 1):uint()
    stream.speaks = first == 0x16 and "tls" or first >= 0x41 and first <= 0x5A and "http" or "frames"
  end
  if stream.speaks == "frames" then return add_frames(tvb, pinfo, tree, false) end
  return hand_over(stream.speaks, stream.speaks, tvb, pinfo, tree)
end

-- The payload of WebSocket messages, where Wireshark's own HTTP dissector took the connection.
local websocket = Proto("longwire_ws", "Longwire in WebSocket")
function websocket.dissector(tvb, pinfo, tree)
  local before = around
  if not around:find("http") then around = around .. "http" end
  local taken = add_frames(tvb, pinfo, tree, true)
  around = before
  return taken
end

-- A connection on any port whose first bytes are a LOGIN that a server would look at.
local function looks_like_login(tvb)
  if tvb:len() < HEADER or tvb(0, 1):uint() ~= 0 then return false end
  local len, flag = tvb(0, 4):uint(), tvb(9, 1):uint()
  return len <= LOGIN_MAX + 7 and is_login(tvb, 0) and flag % 16 <= 7 and tvb(10, 1):uint() == 0
end

local function heuristic(tvb, pinfo, tree)
  if not looks_like_login(tvb) then return false end
  pinfo.conversation = longwire
  longwire.dissector(tvb, pinfo, tree)
  return true
end

-- Wireshark's TLS asks for every record anew, for a script cannot tell it that a connection is ours. Nor may the conversation
-- be claimed: it is TCP's, whose next segments, TLS records, would come here as they are.
local function heuristic_tls(tvb, pinfo, tree)
  local before = around
  if not around:find("tls") then around = around .. "tls" end
  local is_ours = stream_of().speaks == "frames" or looks_like_login(tvb)
  if is_ours then longwire.dissector(tvb, pinfo, tree) end
  around = before
  return is_ours
end

local function heuristic_ws(tvb, pinfo, tree)
  local number = stream_number()
  local stream = streams[(number and tostring(number.value) or "none") .. "http"]
  if not (stream and stream.reading) and not looks_like_login(tvb) then return false end
  websocket.dissector(tvb, pinfo, tree)
  return true
end

longwire:register_heuristic("tcp", heuristic)
longwire:register_heuristic("tls", heuristic_tls)
websocket:register_heuristic("ws", heuristic_ws)

local registered
local function register_port()
  local port = longwire.prefs.port
  for _, name in ipairs({ "tcp.port", "tls.port" }) do
    local ports = DissectorTable.get(name)
    if registered then ports:remove(registered, longwire) end
    ports:add(port, longwire)
  end
  DissectorTable.get("ws.port"):add(port, websocket)
  registered = port
end
longwire.prefs_changed = function() if registered ~= longwire.prefs.port then register_port() end end

register_port()
DissectorTable.get("ws.protocol"):add("longwire", websocket)
for _, name in ipairs({ "tcp.port", "tls.port" }) do DissectorTable.get(name):add_for_decode_as(longwire) end

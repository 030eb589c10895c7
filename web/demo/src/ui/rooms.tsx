// Which room: a button that opens a panel of rooms, with the link that invites somebody to this one.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Chat } from "../model/chat.js";
import { LOBBY, linkTo } from "../model/link.js";
import { id } from "../model/text.js";
import { recent, words } from "../settings.js";
import { Icon } from "./icons.js";

/** Rooms to begin with: any other name is one too. */
const SUGGESTED = [LOBBY, "music", "games", "late-night"];
const ROOMS_MAX = 7;

export function RoomPicker({ chat, go }: { chat: Chat; go: (room: string) => void }) {
  const [isOpen, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!isOpen) return undefined;
    const outside = (event: Event): void => {
      if (!box.current?.contains(event.target as Node)) setOpen(false);
    };
    addEventListener("pointerdown", outside);
    addEventListener("focusin", outside);
    return () => {
      removeEventListener("pointerdown", outside);
      removeEventListener("focusin", outside);
    };
  }, [isOpen]);
  const close = (): void => {
    setOpen(false);
    button.current?.focus();
  };
  const room = chat.room.value;
  return (
    <div class="rooms" ref={box} onKeyDown={(event) => event.key === "Escape" && isOpen && close()}>
      <button
        type="button"
        ref={button}
        class="room-button glass"
        aria-expanded={isOpen}
        aria-controls="rooms-panel"
        aria-label={words.changeRoom(room)}
        onClick={() => setOpen(!isOpen)}
      >
        <Icon name="hash" />
        <span class="room-name">{room}</span>
        <Icon name="chevron" />
      </button>
      {isOpen && (
        <RoomPanel
          room={room}
          go={(other) => {
            close();
            go(other);
          }}
        />
      )}
    </div>
  );
}

function RoomPanel({ room, go }: { room: string; go: (room: string) => void }) {
  const rooms = [...new Set([...recent.value, ...SUGGESTED])].slice(0, ROOMS_MAX);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);
  const other = (event: Event): void => {
    event.preventDefault();
    const wanted = id(input.current?.value ?? "");
    if (wanted !== undefined) go(wanted);
  };
  return (
    <div class="rooms-panel" id="rooms-panel" role="group" aria-label={words.rooms}>
      <h2>{words.rooms}</h2>
      <ul>
        {rooms.map((one) => (
          <li key={one}>
            <a
              href={linkTo(one)}
              aria-current={one === room ? "page" : undefined}
              onClick={(event) => {
                if (event.ctrlKey || event.metaKey || event.shiftKey) return;
                event.preventDefault();
                go(one);
              }}
            >
              <Icon name="hash" />
              <span>{one}</span>
              {one === room && <Icon name="check" />}
            </a>
          </li>
        ))}
      </ul>
      <form class="field-row" onSubmit={other}>
        <label class="unseen" for="other-room">
          {words.otherRoom}
        </label>
        <input id="other-room" ref={input} placeholder={`${words.otherRoom}: ${words.otherRoomHint}`} maxLength={64} autoComplete="off" />
        <button type="submit" class="small-button">
          {words.go}
        </button>
      </form>
      <Invite room={room} />
    </div>
  );
}

function Invite({ room }: { room: string }) {
  const [copied, setCopied] = useState(false);
  const link = new URL(linkTo(room), location.origin).href;
  const field = useRef<HTMLInputElement>(null);
  const copy = async (): Promise<void> => {
    field.current?.select();
    try {
      await navigator.clipboard.writeText(link);
      setCopied(true);
    } catch {
      // only a page that was loaded securely may write there; the link is selected all the same
    }
  };
  return (
    <div class="invite">
      <h2>{words.invite}</h2>
      <p>{words.inviteText}</p>
      <div class="field-row">
        <input ref={field} readOnly value={link} aria-label={words.invite} onFocus={(event) => event.currentTarget.select()} />
        <button type="button" class="small-button strong" onClick={copy}>
          <Icon name={copied ? "check" : "link"} />
          {copied ? words.copied : words.copyLink}
        </button>
        <span class="unseen" role="status">
          {copied && words.copied}
        </span>
      </div>
    </div>
  );
}

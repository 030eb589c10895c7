// The bar above the stage: whose page it is, which room, how the connection is, and how it all looks.

import { useEffect, useState } from "preact/hooks";
import type { Chat } from "../model/chat.js";
import { still, theme, toggleStill, toggleTheme, words } from "../settings.js";
import { Icon, Mark, type IconName } from "./icons.js";
import { RoomPicker } from "./rooms.js";

export function Top({ chat, go }: { chat: Chat; go: (room: string) => void }) {
  return (
    <header class="top">
      <a class="brand" href="/">
        <Mark />
        <span class="wordmark">Longwire</span>
      </a>
      <RoomPicker chat={chat} go={go} />
      <div class="top-end">
        <Connection chat={chat} />
        <Round icon={still.value ? "play" : "pause"} label={still.value ? words.play : words.pause} onClick={toggleStill} />
        <Round
          icon={theme.value === "dark" ? "sun" : "moon"}
          label={theme.value === "dark" ? words.toLight : words.toDark}
          onClick={toggleTheme}
        />
      </div>
    </header>
  );
}

function Round({ icon, label, onClick }: { icon: IconName; label: string; onClick: () => void }) {
  return (
    <button type="button" class="round glass" aria-label={label} title={label} onClick={onClick}>
      <Icon name={icon} />
    </button>
  );
}

/** Short enough for a phone: a light, and the round-trip time. */
function Connection({ chat }: { chat: Chat }) {
  const state = chat.state.value;
  const trip = chat.roundTrip.value;
  const light = state.name === "connected" ? "on" : state.name === "closed" ? "off" : "wait";
  const name = {
    idle: words.connecting,
    connecting: words.connecting,
    connected: words.connected,
    waiting: words.waiting,
    closed: words.closed,
  }[state.name];
  const time = trip === undefined ? undefined : tripText(trip);
  return (
    <div class={`connection glass ${light}`} data-state={state.name}>
      <span class="light" aria-hidden="true" />
      <span class="connection-name" role="status">
        {name}
      </span>
      {time !== undefined && (
        <span class="trip">
          <span class="unseen">{words.roundTrip(time)}</span>
          <span aria-hidden="true">{time}</span>
        </span>
      )}
    </div>
  );
}

function tripText(ms: number): string {
  return ms < 10 ? `${Math.max(0.1, ms).toFixed(1)} ms` : `${Math.round(ms)} ms`;
}

/** Above the conversation while there is no connection: when it is tried again, and a button for the impatient. */
export function Outage({ chat, again }: { chat: Chat; again: () => void }) {
  const state = chat.state.value;
  const [left, setLeft] = useState(0);
  const wait = state.retryIn ?? 0;
  useEffect(() => {
    if (state.name !== "waiting") return undefined;
    const end = performance.now() + wait;
    const tick = (): void => setLeft(Math.max(0, Math.ceil((end - performance.now()) / 1_000)));
    tick();
    const timer = setInterval(tick, 250);
    return () => clearInterval(timer);
  }, [state]);
  if (state.name !== "waiting" && state.name !== "closed") return null;
  const isOver = state.name === "closed";
  return (
    <div class="outage">
      <span class="outage-text">{isOver ? words.closed : words.retryIn(left)}</span>
      <button type="button" class="small-button" onClick={isOver ? again : () => chat.wake()}>
        {isOver ? words.again : words.tryNow}
      </button>
    </div>
  );
}

// The whole page: a stage, and beside it (on a phone: below it) the conversation.

import type { RefObject } from "preact";
import type { Chat, Place } from "../model/chat.js";
import { linkTo } from "../model/link.js";
import { words } from "../settings.js";
import { Column, Meter } from "./column.js";
import { Composer, type Doing } from "./composer.js";
import { Icon } from "./icons.js";
import { Outage, Top } from "./top.js";

export interface AppParts {
  readonly chat: Chat;
  readonly needsToken: boolean;
  readonly doing: Doing;
  readonly go: (room: string) => void;
  readonly again: () => void;
  readonly scenery: RefObject<HTMLDivElement | null>;
  readonly stage: RefObject<HTMLElement | null>;
}

export function App({ chat, needsToken, doing, go, again, scenery, stage }: AppParts) {
  const room = chat.room.value;
  return (
    <>
      <a class="skip" href="#conversation">
        {words.skip}
      </a>
      <div class="scenery" aria-hidden="true">
        <div class="glow" />
        <div class="layers" ref={scenery} />
      </div>
      <div class="app">
        <Top chat={chat} go={go} />
        <main>
          <h1 class="unseen">Longwire, {words.room(room)}</h1>
          <section class="stage" ref={stage} aria-label={words.stage}>
            <Quiet chat={chat} room={room} />
            <Meter chat={chat} />
          </section>
          <section class="panel" id="conversation" aria-label={words.conversation} tabIndex={-1}>
            <Outage chat={chat} again={again} />
            <Column chat={chat} />
            <Composer chat={chat} needsToken={needsToken} doing={doing} />
          </section>
        </main>
      </div>
    </>
  );
}

/** What to do first, as long as nobody has said anything. */
function Quiet({ chat, room }: { chat: Chat; room: string }) {
  if (chat.feed.hasSpoken.value || chat.counts.value.received > 0 || chat.state.value.name !== "connected") return null;
  return (
    <div class="quiet">
      <h2>{words.quiet}</h2>
      <p>{words.quietText}</p>
      <code>{sendRose(chat.place, room)}</code>
      <a class="small-button strong" href={linkTo(room)} target="_blank" rel="noopener">
        <Icon name="tab" />
        {words.openTab}
      </a>
    </div>
  );
}

/** A command that works as it stands: from anywhere, and where tokens are asked for, but for the token itself. */
function sendRose({ url, needsToken }: Place, room: string): string {
  const quoted = /^[\w-]+$/.test(room) ? room : `'${room.replaceAll("'", "'\\''")}'`;
  const where = url === "ws://127.0.0.1:7610/ws" ? "" : ` \\\n  --addr ${url}`;
  const token = needsToken ? " --token TOKEN" : "";
  return `longwire send --room ${quoted}${where} \\\n  --user bob${token} --type gift "a rose"`;
}

// Where one writes: for a guest a place to choose a name, for a user a line of text and gifts.

import { useEffect, useRef, useState } from "preact/hooks";
import { WORDS_OF, type Chat } from "../model/chat.js";
import { GIFTS } from "../model/gifts.js";
import { NAME_MAX, id } from "../model/text.js";
import { words } from "../settings.js";
import { GiftIcon, Icon } from "./icons.js";

/** Longer than anybody reads while it flies. */
const TEXT_MAX = 300;

export interface Doing {
  become: (name: string, token: string) => Promise<boolean>;
  withdraw: () => void;
}

export function Composer({ chat, needsToken, doing }: { chat: Chat; needsToken: boolean; doing: Doing }) {
  const me = chat.me.value;
  const refusal = chat.refusal.value;
  return (
    <div class="composer">
      {refusal !== undefined && (
        <p class="refusal" role="alert">
          {words.refused(words.why[refusal] ?? refusal)}
        </p>
      )}
      {me === undefined ? <Guest needsToken={needsToken} become={doing.become} /> : <Writer chat={chat} me={me} withdraw={doing.withdraw} />}
    </div>
  );
}

function Guest({ needsToken, become }: { needsToken: boolean; become: Doing["become"] }) {
  const name = useRef<HTMLInputElement>(null);
  const token = useRef<HTMLInputElement>(null);
  const [suggestion] = useState(() => words.names[Math.floor(Math.random() * words.names.length)] ?? "Mira");
  const [isBusy, setBusy] = useState(false);
  const join = async (event: Event): Promise<void> => {
    event.preventDefault();
    const wanted = id(name.current?.value ?? "") ?? (needsToken ? undefined : suggestion);
    if (wanted === undefined || isBusy) return name.current?.focus();
    setBusy(true);
    await become(wanted, token.current?.value || "demo");
    setBusy(false);
  };
  return (
    <form class="guest" onSubmit={join}>
      <p id="guest-text">{words.guestText}</p>
      <div class="field-row">
        <label class="unseen" for="name">
          {words.name}
        </label>
        <input id="name" ref={name} placeholder={needsToken ? words.name : suggestion} maxLength={NAME_MAX} autoComplete="nickname" aria-describedby="guest-text" />
        {needsToken && (
          <>
            <label class="unseen" for="token">
              {words.token}
            </label>
            <input id="token" ref={token} type="password" placeholder={`${words.token} (${words.tokenHint})`} autoComplete="off" required />
          </>
        )}
        <button type="submit" class="small-button strong" disabled={isBusy}>
          {words.joinIn}
        </button>
      </div>
    </form>
  );
}

function Writer({ chat, me, withdraw }: { chat: Chat; me: string; withdraw: () => void }) {
  const field = useRef<HTMLInputElement>(null);
  const gifts = useRef<HTMLButtonElement>(null);
  const [isGiving, setGiving] = useState(false);
  const close = (): void => {
    setGiving(false);
    gifts.current?.focus();
  };
  useEffect(() => field.current?.focus({ preventScroll: true }), []);
  const send = async (event: Event): Promise<void> => {
    event.preventDefault();
    const input = field.current;
    const text = input?.value.trim() ?? "";
    if (!input || text === "") return;
    input.value = ""; // at once: what is typed while it is sent is the next message
    if (!(await chat.say(text)) && input.value === "") input.value = text;
  };
  return (
    <form class="writer" onSubmit={send} onKeyDown={(event) => event.key === "Escape" && isGiving && close()}>
      {isGiving && (
        <ul class="gift-shelf" id="gift-shelf" aria-label={words.gifts}>
          {GIFTS.map((gift) => (
            <li key={gift}>
              <button type="button" aria-label={words.give(words.gift[gift])} title={words.gift[gift]} onClick={() => chat.give(WORDS_OF[gift])}>
                <GiftIcon gift={gift} />
                <span aria-hidden="true">{words.gift[gift]}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
      <div class="field-row">
        <button
          type="button"
          ref={gifts}
          class="icon-button"
          aria-label={words.gifts}
          title={words.gifts}
          aria-expanded={isGiving}
          aria-controls={isGiving ? "gift-shelf" : undefined}
          onClick={() => setGiving(!isGiving)}
        >
          <Icon name="gift" />
        </button>
        <label class="unseen" for="message">
          {words.write(me)}
        </label>
        <input id="message" ref={field} placeholder={words.write(me)} maxLength={TEXT_MAX} autoComplete="off" enterKeyHint="send" />
        <button type="submit" class="icon-button strong" aria-label={words.send} title={words.send}>
          <Icon name="send" />
        </button>
        <button type="button" class="icon-button quieter" aria-label={words.leave} title={words.leave} onClick={withdraw}>
          <Icon name="leave" />
        </button>
      </div>
    </form>
  );
}

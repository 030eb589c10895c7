// The demo page: puts the parts together, and keeps the address bar and the room in step.

import "./style.css";
import { effect } from "@preact/signals";
import { createRef, render } from "preact";
import { Chat, type User } from "./model/chat.js";
import { GIFTS } from "./model/gifts.js";
import { linkTo, roomOf, served } from "./model/link.js";
import { language, remember, theme, words } from "./settings.js";
import { App } from "./ui/app.js";
import { Backdrop } from "./ui/backdrop.js";

/** Kept for a reload of this tab alone, and only where any token will do: a token is no one's to keep here. */
const NAME = "longwire.name";

const place = served(document, location);
const scenery = createRef<HTMLDivElement>();
const stage = createRef<HTMLElement>();

/** What is drawn behind the page; there is none before the page is there. */
let backdrop: Backdrop | undefined;
const gave = Object.fromEntries(GIFTS.map((gift) => [gift, words.gave(words.gift[gift])]));
const chat = new Chat(place, { fresh: () => backdrop?.fresh() }, gave);

function go(room: string): void {
  if (room === chat.room.peek()) return;
  history.pushState(null, "", linkTo(room));
  visit(room);
}

function visit(room: string, user?: User): void {
  remember(room);
  chat.enter(room, user);
}

async function become(name: string, token: string): Promise<boolean> {
  const isUser = await chat.become({ userId: name, token });
  if (isUser && !place.needsToken) keep(name);
  return isUser;
}

function withdraw(): void {
  keep(undefined);
  chat.withdraw();
}

function keep(name: string | undefined): void {
  try {
    if (name === undefined) sessionStorage.removeItem(NAME);
    else sessionStorage.setItem(NAME, name);
  } catch {
    // storage may be forbidden: a reload makes a guest again
  }
}

function kept(): User | undefined {
  try {
    const userId = place.needsToken ? null : sessionStorage.getItem(NAME);
    return userId === null ? undefined : { userId, token: "demo" };
  } catch {
    return undefined;
  }
}

document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
const again = (): void => visit(chat.room.peek());
const root = document.getElementById("app");
if (root) {
  const parts = { chat, needsToken: place.needsToken, doing: { become, withdraw }, go, again, scenery, stage };
  render(<App {...parts} />, root);
}
effect(() => {
  document.documentElement.dataset["theme"] = theme.value;
});
if (stage.current && scenery.current) {
  const { look } = (backdrop = new Backdrop(scenery.current, stage.current));
  effect(() => chat.see(look.value));
}
effect(() => {
  document.title = `#${chat.room.value} · Longwire`;
});
addEventListener("popstate", () => visit(roomOf(location.search)));
visit(roomOf(location.search), kept());

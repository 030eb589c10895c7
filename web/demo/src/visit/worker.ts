// The page's worker: holds the connection, one visit at a time.

import { Visit, Window } from "./visit.js";
import type { Ask, Told } from "./words.js";

interface Scope {
  onmessage: ((event: { data: Ask }) => void) | null;
  postMessage(told: Told): void;
}

const scope = globalThis as unknown as Scope;
const window = new Window();
let visit: Visit | undefined;

scope.onmessage = ({ data }) => {
  switch (data.ask) {
    case "enter": {
      const { visit: number, url, room, user } = data;
      visit?.end();
      visit = new Visit((news) => scope.postMessage({ ...news, visit: number }), window, url, room, user);
      return;
    }
    case "login":
      return void visit?.login(data);
    case "send":
      return void visit?.send(data);
    case "places":
      return window.set(data.places);
    case "measure":
      return void visit?.measure();
    case "wake":
      return visit?.wake();
  }
};

// The page's worker: holds the connection, one visit at a time, and draws the stage.

import { WireStage } from "../stage/stage.js";
import { Visit } from "./visit.js";
import type { Ask, Told } from "./words.js";

interface Scope {
  onmessage: ((event: { data: Ask }) => void) | null;
  postMessage(told: Told): void;
}

const scope = globalThis as unknown as Scope;
const stage = new WireStage();
let visit: Visit | undefined;

scope.onmessage = ({ data }) => {
  switch (data.ask) {
    case "stage":
      return stage.open(data.canvas, data.gave);
    case "look":
      return stage.see(data.look);
    case "enter": {
      const { visit: number, url, room, user } = data;
      visit?.end();
      stage.clear();
      visit = new Visit((news) => scope.postMessage({ ...news, visit: number }), stage, url, room, user);
      return;
    }
    case "login":
      return void visit?.login(data);
    case "send":
      return void visit?.send(data);
    case "measure":
      return void visit?.measure();
    case "wake":
      return visit?.wake();
  }
};

// What of the SDK this page uses: from its sources, so that both are always of one commit.

export { Longwire, MessageType } from "../../../sdk/typescript/src/index.js";
export type { LongwireError, Message, Room } from "../../../sdk/typescript/src/index.js";

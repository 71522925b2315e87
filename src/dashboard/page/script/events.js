// Stub.
import { head } from "./parts.js";
export const title = () => "events";
export const load = async () => ({});
export const view = () => [head("events")];

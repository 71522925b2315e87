// Stub.
import { head } from "./parts.js";
export const title = () => "groups";
export const load = async () => ({});
export const view = () => [head("groups")];

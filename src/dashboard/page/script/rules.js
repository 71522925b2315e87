// Stub.
import { head } from "./parts.js";
export const title = () => "rules";
export const load = async () => ({});
export const view = () => [head("rules")];

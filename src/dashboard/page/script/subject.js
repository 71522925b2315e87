// Stub.
import { head } from "./parts.js";
export const title = () => "subject";
export const load = async () => ({});
export const view = () => [head("subject")];

// A web client in a few lines: signs in and uploads by matrix-js-sdk, and tells what a refusal said.

import { createClient } from "matrix-js-sdk";

let client;

window.signIn = async (baseUrl, user, password) => {
  const identifier = { type: "m.id.user", user };
  const asked = await createClient({ baseUrl }).loginRequest({ type: "m.login.password", identifier, password });
  client = createClient({ baseUrl, accessToken: asked.access_token, userId: asked.user_id, deviceId: asked.device_id });
  return asked.user_id;
};

window.upload = async (size) => {
  try {
    const { content_uri: uri } = await client.uploadContent(new Blob([new Uint8Array(size)]), { name: "a.bin" });
    return { uri };
  } catch (error) {
    return {
      status: error.httpStatus,
      errcode: error.errcode,
      told: error.data,
      header: error.httpHeaders?.get("Retry-After"),
      wait: error.getRetryAfterMs?.(),
    };
  }
};

// What the SDK has no call for, as any script would ask it.
window.ask = async (address, headers = {}) => {
  const response = await fetch(address, { headers });
  return { status: response.status, json: await response.json() };
};
window.token = () => client.getAccessToken();
window.mediaConfig = () => client.getMediaConfig(true);
window.ready = true;

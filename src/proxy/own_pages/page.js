// Page: what happens when. Its first act is to take a sign-in's token out of the address.

const loginToken = takeLoginToken();

const [session, view, words] = await Promise.all([import("./session.js"), import("./view.js"), import("./words.js")]);

/** How often the figures are read again, in milliseconds. */
const AGAIN = 60_000;

const find = (id) => document.getElementById(id);
const idle = Number(document.querySelector("main").dataset.idle) * 1000;
let touched = Date.now();
let idling = null;
let repeating = null;
/** The largest file that the server takes. */
let largest = null;

function takeLoginToken() {
  const address = new URL(location.href);
  const taken = address.searchParams.get("loginToken");
  if (address.search || address.hash) {
    history.replaceState(null, "", address.pathname);
  }
  return taken;
}

function tell(notice, trouble = "") {
  find("notice").textContent = notice;
  find("trouble").textContent = trouble;
}

function tellTrouble(error) {
  if (!(error instanceof session.Trouble)) {
    throw error;
  }
  tell("", error.message);
}

/** Runs `work` with these out of reach, so that nothing is done twice. */
async function busy(button, work) {
  button.disabled = true;
  try {
    await work();
  } catch (error) {
    tellTrouble(error);
  } finally {
    button.disabled = false;
  }
}

// Signed out.

async function offer() {
  find("signed-in").hidden = true;
  find("signed-out").hidden = false;
  find("again").hidden = true;
  try {
    const { password, providers } = await session.ways();
    const any = password || providers.length > 0;
    find("password-form").hidden = !password;
    find("or").hidden = !(password && providers.length > 0);
    find("providers").hidden = providers.length === 0;
    find("providers").replaceChildren(...providers.map(link));
    find("no-way").hidden = any;
    find("promise").hidden = !any;
  } catch (error) {
    find("again").hidden = false;
    tellTrouble(error);
  }
}

function link({ name, address }) {
  const item = document.createElement("li");
  const made = document.createElement("a");
  made.className = "button";
  made.textContent = name;
  made.href = address;
  item.append(made);
  return item;
}

find("password-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  busy(form.querySelector("button"), async () => {
    tell("");
    const [user, password] = [form.user.value.trim(), form.password.value];
    form.password.value = "";
    try {
      await session.signInByPassword(user, password);
    } catch (error) {
      form.password.focus();
      throw error;
    }
    form.reset();
    await enter();
  });
});

find("again").addEventListener("click", () => {
  tell("");
  offer();
});

// Signed in.

async function enter() {
  touch();
  largest = await session.largest().catch(() => null);
  await refresh();
  if (!session.isSignedIn()) {
    return;
  }
  find("signed-out").hidden = true;
  find("signed-in").hidden = false;
  find("own").focus();
  idling = setInterval(leaveIfIdle, Math.min(idle / 4, 5000));
  repeating = setInterval(repeat, AGAIN);
}

async function refresh() {
  try {
    view.show(await session.quota(), largest);
    tell("");
  } catch (error) {
    if (error instanceof session.Ended) {
      leave();
    } else if (find("signed-in").hidden) {
      // Nothing to show, so nothing to stay for.
      await session.signOut();
    }
    throw error;
  }
}

function repeat() {
  if (document.visibilityState === "visible") {
    refresh().catch(tellTrouble);
  }
}

/** Takes everything away that is somebody's own. */
function leave() {
  clearInterval(idling);
  clearInterval(repeating);
  view.clear();
  find("file").value = "";
  find("password-form").reset();
  return offer();
}

async function signOut(notice) {
  const confirmed = session.signOut();
  await leave();
  if (await confirmed) {
    tell(notice);
  } else {
    tell("", "The server did not confirm the sign-out. To be sure, remove the device “metergate quota page” in the settings of your app.");
  }
  find("own").focus();
}

find("sign-out").addEventListener("click", (event) => busy(event.target, () => signOut("You are signed out.")));
find("refresh").addEventListener("click", (event) => busy(event.target, refresh));

find("file").addEventListener("change", async (event) => {
  const file = event.target.files[0];
  if (!file) {
    view.showFit("", true);
    return;
  }
  try {
    const { upload } = await session.quota(file.size);
    const size = words.bytes(file.size);
    const fits = upload.allowed && (largest === null || file.size <= largest);
    const why = upload.error ?? `This server takes files of up to ${words.bytes(largest)}.`;
    view.showFit(`“${file.name}” (${size}) ${fits ? "fits: it would be accepted now." : `is refused. ${why}`}`, fits);
  } catch (error) {
    if (error instanceof session.Ended) {
      leave();
    }
    tellTrouble(error);
  }
});

// Leaving.

function touch() {
  touched = Date.now();
}

function leaveIfIdle() {
  if (session.isSignedIn() && Date.now() - touched >= idle) {
    signOut("You were signed out, because the page was not used for a while.");
  }
}

for (const event of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"]) {
  addEventListener(event, touch, { passive: true });
}
// A page that was put to sleep looks at the clock first.
addEventListener("visibilitychange", leaveIfIdle);
addEventListener("pagehide", () => {
  if (session.isSignedIn()) {
    session.signOut();
    clearInterval(idling);
    clearInterval(repeating);
    view.clear();
    find("signed-in").hidden = true;
  }
});
// Brought back from where the browser had put it.
addEventListener("pageshow", (event) => {
  if (event.persisted) {
    tell("");
    leave();
  }
});

// Arriving.

await offer();
if (loginToken !== null) {
  tell("Signing in …");
  try {
    await session.signInByToken(loginToken);
    await enter();
  } catch (error) {
    tellTrouble(error);
  }
}

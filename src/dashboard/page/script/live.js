// Live: reads again every few seconds, while somebody looks.

const SLOWEST = 30_000;

/** Reads by `load`, hands it to `done`; what goes wrong, to `failed`, and waits longer each time. */
export function follow({ every, load, done, failed }) {
  let timer = null;
  let controller = null;
  let stopped = false;
  let wait = every;

  async function read() {
    clearTimeout(timer);
    controller?.abort();
    const mine = (controller = new AbortController());
    try {
      const data = await load(mine.signal);
      if (stopped || mine !== controller) return;
      wait = every;
      done(data);
    } catch (error) {
      if (stopped || mine !== controller) return;
      wait = Math.min(wait * 1.5, SLOWEST);
      failed(error);
    }
    if (!stopped && mine === controller) plan();
  }

  function plan() {
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(read, wait);
  }

  function seen() {
    if (document.hidden) clearTimeout(timer);
    else read();
  }

  document.addEventListener("visibilitychange", seen);
  read();
  return {
    now: read,
    stop() {
      stopped = true;
      clearTimeout(timer);
      controller?.abort();
      document.removeEventListener("visibilitychange", seen);
    },
  };
}

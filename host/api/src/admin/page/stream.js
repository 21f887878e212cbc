// Follows the server's events. Not by EventSource, which sends no token.

import { forget, headers } from "./token.js";

// The server gives a sign of life each 5 s.
const SILENCE_MS = 15000, FIRST_PAUSE_MS = 1000, LONGEST_PAUSE_MS = 10000;

// `on.event` gets each event, `on.state` hears `live`, `ended`, or why there is no stream; `on.refused`
// hears of a server that wants a token, or another one.
export async function follow(on) {
  let pause = FIRST_PAUSE_MS;
  for (;;) {
    let received = false;
    const why = await once(on, () => { received = true; pause = FIRST_PAUSE_MS; }).catch((error) => error.message);
    // The server ends each stream after a while; and a reader who was asked for a token has given one.
    if ((why === null && received) || why === AGAIN) continue;
    on.state("away", why ?? "it ended the connection");
    await Promise.race([sleep(pause), on.again()]);
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  }
}

const AGAIN = "again";
const sleep = (time) => new Promise((resolve) => { setTimeout(resolve, time); });

// One stream to its end: null if the server ended it, or why it failed.
async function once(on, received) {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENCE_MS);
  try {
    const path = on.known() ? "status/events?trends=false" : "status/events";
    const response = await fetch(path, { headers: headers(), cache: "no-store", signal: silence.signal });
    if (!response.ok) return await refused(response, on);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return null;
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_MS);
      const events = (text + value).split("\n\n");
      text = events.pop();
      for (const event of events) {
        const [name, data] = parse(event);
        received();
        on.state("live");
        on.event(name, data);
      }
    }
  } catch (error) {
    if (error.name === "AbortError") return "it has been silent for a while";
    throw error;
  } finally {
    clearTimeout(timer);
    silence.abort();
  }
}

function parse(event) {
  const lines = event.split("\n");
  const of = (field) => lines.find((line) => line.startsWith(`${field}: `))?.slice(field.length + 2);
  return [of("event"), JSON.parse(of("data"))];
}

async function refused(response, on) {
  const text = await response.text();
  let message = text;
  try {
    message = JSON.parse(text).message ?? text;
  } catch {
    // It is a plain text.
  }
  if (response.status === 401) forget();
  if (response.status === 401 || response.status === 403) {
    await on.refused(response.status, message.trim());
    return AGAIN;
  }
  return `${response.status}: ${message.trim()}`;
}

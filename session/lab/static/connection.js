// How the page speaks to its session server: every request and websocket carries the page key, without which the
// server takes it for another page's. A kernel's socket that the server closes with a reason is heard here.
import { told } from "./told.js";

const HEADER = "X-Onggi-Page";
const SUBPROTOCOL = `onggi.page.${told.page_key}`;
const closings = new EventTarget();

/** Call `heard` whenever a kernel's socket is closed: with the reason code that the server gave, or null. */
export function onClosing(heard) {
  closings.addEventListener("closing", (event) => heard(event.detail));
}

/** Ask the session server; the answer's JSON, or an error whose message is the server's sentence. */
export async function ask(lab, settings, path, init = {}) {
  const { ServerConnection } = lab.services;
  const answer = await ServerConnection.makeRequest(settings.baseUrl + path, init, settings);
  if (!answer.ok) {
    throw await ServerConnection.ResponseError.create(answer);
  }
  return answer.json();
}

class KeyedSocket extends WebSocket {
  constructor(address, protocols = []) {
    super(address, [...[protocols].flat(), SUBPROTOCOL]);
    this.addEventListener("close", (event) => {
      const detail = event.reason in told.endings ? event.reason : null;
      closings.dispatchEvent(new CustomEvent("closing", { detail }));
    });
  }
}

function keyedFetch(request) {
  request.headers.set(HEADER, told.page_key);
  return fetch(request);
}

/** JupyterLab's event log has no route in a session; this one never says anything. */
function silentEvents(lab, serverSettings) {
  const manager = { serverSettings, isDisposed: false, dispose() {}, emit: async () => {} };
  manager.stream = new lab.signaling.Stream(manager);
  return manager;
}

export function connectionPlugins(lab) {
  const { IEventManager, IServerSettings, ServerConnection } = lab.services;
  const makeSettings = ServerConnection.makeSettings;
  ServerConnection.makeSettings = (options = {}) =>
    makeSettings({ fetch: keyedFetch, WebSocket: KeyedSocket, ...options });
  return [
    {
      id: "@onggi/lab:server-settings",
      autoStart: true,
      provides: IServerSettings,
      activate: () => ServerConnection.makeSettings(),
    },
    {
      id: "@onggi/lab:events",
      autoStart: true,
      requires: [IServerSettings],
      provides: IEventManager,
      activate: (_, settings) => silentEvents(lab, settings),
    },
  ];
}

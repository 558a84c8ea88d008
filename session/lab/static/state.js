// The state of the session: what was shown of the budgets, what holds the compute, how long a cell has run. Asked
// when a cell has ended and now and then, since every answer is charged too.
import { ask } from "./connection.js";
import { element, link, moment, say, size, told } from "./told.js";

const OFTEN_MS = 60_000;
const AFTER_CELL_MS = 400;
const LONG_CELL_MS = 3_000;

/** What the page knows of its session; `changed` fires when it learned something, `lost` when nobody answers. */
export class State extends EventTarget {
  constructor(lab, settings) {
    super();
    this.lab = lab;
    this.settings = settings;
    this.known = null;
    this.work = "";
    this.cells = new Map();
  }

  /** Ask the server; whether it answered. */
  async refresh() {
    try {
      this.known = await ask(this.lab, this.settings, "onggi/status");
    } catch {
      this.dispatchEvent(new Event("lost"));
      return false;
    }
    this.dispatchEvent(new Event("changed"));
    return true;
  }

  /** Say what the page itself is doing, until told that it does nothing. */
  doing(work) {
    this.work = work;
    this.dispatchEvent(new Event("working"));
  }

  watch(notebook) {
    const { NotebookActions } = notebook;
    NotebookActions.executionScheduled.connect((_, { cell }) => this.cells.set(cell.model.id, Date.now()));
    NotebookActions.executed.connect((_, { cell }) => {
      this.cells.delete(cell.model.id);
      setTimeout(() => this.refresh(), AFTER_CELL_MS);
    });
    setInterval(() => document.visibilityState === "visible" && this.refresh(), OFTEN_MS);
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.refresh());
    this.refresh();
  }

  /** Milliseconds that the cell that has run longest has run; 0 if none runs. */
  running() {
    const begun = Math.min(...this.cells.values());
    return Number.isFinite(begun) ? Date.now() - begun : 0;
  }
}

/** Budgets as the page shows them: name, used, limit, and from where on they are nearly used. */
function budgets({ budget }) {
  return ["session", "day"].map((name) => ({
    name,
    used: budget[`${name}_bytes_used`],
    limit: budget[`${name}_bytes`],
    soft: budget[`${name}_soft_bytes`],
  }));
}

function share({ used, limit }) {
  return limit > 0 ? Math.min(used / limit, 1) : 1;
}

function elapsed(milliseconds) {
  const seconds = Math.floor(milliseconds / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function heldBy(limits) {
  const { memory } = limits;
  return say(memory === undefined ? "held_unknown" : memory === "watched" ? "held_watched" : "held_firm");
}

class StateItem {
  constructor(lab, state) {
    this.lab = lab;
    this.state = state;
    this.text = element("span");
    this.button = element("button", { type: "button", class: "onggi-state", "aria-haspopup": "dialog" }, this.text);
    this.button.addEventListener("click", () => this.details());
    this.widget = new lab.widgets.Widget({ node: element("div", { class: "onggi-state-item" }, this.button) });
    for (const news of ["changed", "working"]) {
      state.addEventListener(news, () => this.draw());
    }
    setInterval(() => (state.running() > LONG_CELL_MS || this.timed) && this.draw(), 1000);
    this.draw();
  }

  draw() {
    const { known } = this.state;
    if (known === null) {
      this.text.textContent = say("status_asking");
      return;
    }
    const fullest = budgets(known).reduce((a, b) => (share(b) > share(a) ? b : a));
    const amounts = { used: size(fullest.used), limit: size(fullest.limit) };
    const parts = [say(`status_${fullest.name}`, amounts)];
    if (this.state.work !== "") {
      parts.unshift(this.state.work);
    }
    const running = this.state.running();
    this.timed = running > LONG_CELL_MS;
    if (this.timed) {
      parts.unshift(say("status_running", { time: elapsed(running) }));
    }
    this.text.textContent = parts.join(" · ");
    this.button.title = say("status_hint");
    this.button.setAttribute("aria-label", `${this.text.textContent}. ${say("status_hint")}`);
    this.button.classList.toggle("onggi-state-high", fullest.used >= fullest.soft);
  }

  async details() {
    await this.state.refresh();
    if (this.state.known === null) {
      return;
    }
    const { Dialog, showDialog } = this.lab.apputils;
    const body = new this.lab.widgets.Widget({ node: describe(this.state.known) });
    await showDialog({ title: say("details_title"), body, buttons: [Dialog.okButton({ label: say("close") })] });
    this.button.focus();
  }
}

function describe(known) {
  const list = element("dl", { class: "onggi-details" });
  const add = (name, ...value) => list.append(element("dt", {}, name), element("dd", {}, ...value));
  for (const one of budgets(known)) {
    const bar = element("progress", { max: one.limit, value: one.used, "aria-label": say(`budget_${one.name}`) });
    add(say(`budget_${one.name}`), bar, say("budget_used", { used: size(one.used), limit: size(one.limit) }));
  }
  add(say("budget_cell"), say("budget_most", { limit: size(known.budget.cell_bytes) }));
  if (known.withheld) {
    add(say("budget_withheld"), known.withheld);
  }
  add(say("compute"), known.compute.unsafe ? say("unsafe_no_sandbox") : say("compute_running"));
  add(say("memory"), heldBy(known.compute.limits));
  add(say("until"), known.until ? moment(known.until) : say("until_open"));
  const more = element("p", {}, say("budget_why"), " ", link(told.requests, say("my_requests")));
  return element("div", { class: "onggi-dialog" }, list, more);
}

/** A strip above everything for what must not be missed. */
function banner(lab, app, state) {
  const node = element("div", { class: "onggi-banner", role: "alert" });
  const widget = new lab.widgets.Widget({ node });
  widget.id = "onggi-banner";
  widget.hide();
  app.shell.add(widget, "top", { rank: 0 });
  state.addEventListener("changed", () => {
    const { closed, compute, withheld } = state.known;
    const said = [compute.unsafe && say("unsafe_no_sandbox"), closed, withheld].filter(Boolean);
    if (node.textContent !== said.join(" ")) {
      node.textContent = said.join(" ");
      widget.setHidden(said.length === 0);
    }
  });
}

export function statePlugin(lab) {
  return {
    id: "@onggi/lab:state",
    autoStart: true,
    requires: [lab.services.IServerSettings, lab.statusbar.IStatusBar],
    provides: stateToken(lab),
    activate: (app, settings, statusBar) => {
      const state = new State(lab, settings);
      const item = new StateItem(lab, state);
      statusBar.registerStatusItem("@onggi/lab:state", { item: item.widget, align: "right", rank: -10 });
      banner(lab, app, state);
      state.watch(lab.notebook);
      return state;
    },
  };
}

let token;

/** By which the other plug-ins ask for the state. */
export function stateToken(lab) {
  token ??= new lab.coreutils.Token("@onggi/lab:IState");
  return token;
}

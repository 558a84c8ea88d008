// What a person sees when the session has ended, or when nobody can say whether it may go on.
import { onClosing } from "./connection.js";
import { stateToken } from "./state.js";
import { element, link, say, told } from "./told.js";

const PATIENCE_MS = 5_000;
const GOES_ON = "grant_unconfirmed";

function panel(reason) {
  const heading = element("h1", { id: "onggi-ended-title" }, say("ended_title"));
  const why = element("p", {}, told.endings[reason] ?? say("ended_why"));
  const kept = element("p", {}, say("ended_kept"));
  const way = element("a", { class: "jp-Dialog-button jp-mod-accept jp-mod-styled", href: told.desk }, say("to_desk"));
  const stay = element("button", { type: "button", class: "jp-Dialog-button jp-mod-reject jp-mod-styled" }, say("look_on"));
  const card = element("div", { class: "onggi-ended-card" }, heading, why, kept, element("p", {}, stay, " ", way));
  const cover = element("div", { class: "onggi-ended", role: "alertdialog", "aria-modal": "true", "aria-labelledby": "onggi-ended-title" }, card);
  const leave = () => cover.remove();
  stay.addEventListener("click", leave);
  cover.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      leave();
    } else if (event.key === "Tab") {
      event.preventDefault();
      (document.activeElement === way ? stay : way).focus();
    }
    event.stopPropagation();
  });
  document.body.append(cover);
  way.focus();
}

export function endedPlugin(lab) {
  return {
    id: "@onggi/lab:ended",
    autoStart: true,
    requires: [stateToken(lab)],
    activate: (_, state) => {
      let reason = null;
      let shown = false;
      const look = async () => {
        if (!shown && reason !== GOES_ON) {
          shown = true;
          panel(reason);
        }
      };
      onClosing((code) => {
        reason = code;
        code === GOES_ON ? state.refresh() : look();
      });
      state.addEventListener("changed", () => {
        reason = state.known.closed?.reason ?? null;
        shown = false;
      });
      // Asked again before anything is said: a server that starts anew is silent for a moment, too.
      state.addEventListener("lost", () => setTimeout(() => confirmLost(state, look), PATIENCE_MS), { once: true });
    },
  };
}

async function confirmLost(state, look) {
  const answered = new Promise((resolve) => {
    state.addEventListener("changed", () => resolve(true), { once: true });
    state.addEventListener("lost", () => resolve(false), { once: true });
  });
  state.refresh();
  if (!(await answered)) {
    look();
  }
}

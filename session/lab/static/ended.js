// What a person sees when the session has ended, or when nobody can say whether it may go on.
import { onClosing } from "./connection.js";
import { stateToken } from "./state.js";
import { element, say, told } from "./told.js";

const PATIENCE_MS = 5_000;
const GOES_ON = "grant_unconfirmed";

/** Show the panel; what is returned puts another reason into it. */
function panel(reason) {
  const heading = element("h1", { id: "onggi-ended-title" }, say("ended_title"));
  const why = element("p", {}, told.endings[reason] ?? say("ended_why"));
  const kept = element("p", {}, say("ended_kept"));
  const way = element("a", { class: "onggi-button", href: told.desk }, say("to_desk"));
  const stay = element("button", { type: "button", class: "onggi-button onggi-button-quiet" }, say("look_on"));
  const card = element("div", { class: "onggi-ended-card" }, heading, why, kept, element("p", {}, stay, " ", way));
  const names = { role: "alertdialog", "aria-modal": "true", "aria-labelledby": "onggi-ended-title" };
  const cover = element("div", { class: "onggi-ended", ...names }, card);
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
  return (other) => why.replaceChildren(told.endings[other] ?? say("ended_why"));
}

export function endedPlugin(lab) {
  return {
    id: "@onggi/lab:ended",
    autoStart: true,
    requires: [stateToken(lab)],
    activate: (_, state) => {
      let asking = false;
      let shown = null;
      const end = (reason) => {
        if (shown === null) {
          shown = panel(reason);
        } else if (reason !== null) {
          shown(reason);
        }
      };
      onClosing((reason) => (reason === null || reason === GOES_ON ? state.refresh() : end(reason)));
      state.addEventListener("changed", () => (shown = null));
      // Asked again before anything is said: a server that starts anew is silent for a moment, too.
      state.addEventListener("lost", async () => {
        if (!asking) {
          asking = true;
          await new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
          await state.refresh() || end(null);
          asking = false;
        }
      });
    },
  };
}

// Submit for release: a dialog with purpose and context for the files that are selected in the file browser.
import { ask } from "./connection.js";
import { stateToken } from "./state.js";
import { element, say, told } from "./told.js";

export const SUBMIT = "onggi:submit";
export const REQUESTS = "onggi:requests";
const encoder = new TextEncoder();

function field(label, hint, control, error) {
  const id = `onggi-${control.name}`;
  control.id = id;
  control.classList.add("jp-mod-styled");
  control.setAttribute("aria-describedby", `${id}-hint ${id}-error`);
  control.addEventListener("input", () => error.replaceChildren());
  error.id = `${id}-error`;
  return element(
    "div",
    { class: "onggi-field" },
    element("label", { for: id }, label),
    element("small", { id: `${id}-hint` }, hint),
    control,
    error,
  );
}

/** The dialog's body: what is submitted, and what reviewers need to know. */
function makeForm(lab, paths) {
  const purpose = element("input", { type: "text", name: "purpose", required: "", autocomplete: "off" });
  const context = element("textarea", { name: "context", rows: "5" });
  const errors = [0, 1].map(() => element("p", { class: "onggi-error", role: "alert" }));
  const files = element("ul", { class: "onggi-files" }, ...paths.map((path) => element("li", {}, path)));
  const node = element(
    "form",
    { class: "onggi-dialog" },
    element("p", {}, say("submit_intro")),
    element("p", { class: "onggi-label" }, say("submit_files", { count: paths.length })),
    files,
    field(say("purpose"), say("purpose_hint"), purpose, errors[0]),
    field(say("context"), say("context_hint"), context, errors[1]),
  );
  node.addEventListener("submit", (event) => event.preventDefault());

  const check = () => {
    errors[0].textContent = problem(purpose.value.trim(), told.limits.purpose_bytes, true);
    errors[1].textContent = problem(context.value, told.limits.context_bytes, false);
    return errors.every((one) => one.textContent === "");
  };

  class Form extends lab.widgets.Widget {
    constructor() {
      super({ node });
    }

    getValue() {
      return { purpose: purpose.value.trim(), context: context.value };
    }
  }
  return { form: new Form(), check, first: purpose };
}

function problem(text, limit, needed) {
  if (needed && text === "") {
    return say("purpose_missing");
  }
  const bytes = encoder.encode(text).length;
  return bytes > limit ? say("text_too_long", { bytes, limit }) : "";
}

async function askWhatFor(lab, paths) {
  const { Dialog } = lab.apputils;
  const { form, check, first } = makeForm(lab, paths);
  const dialog = new Dialog({
    title: say("submit"),
    body: form,
    buttons: [Dialog.cancelButton({ label: say("cancel") }), Dialog.okButton({ label: say("submit_send") })],
    focusNodeSelector: "#onggi-purpose",
    hasClose: true,
  });
  const resolve = dialog.resolve.bind(dialog);
  dialog.resolve = (index) => {
    // The second button sends, and so does Enter in the dialog.
    const sends = index === undefined ? document.activeElement?.closest(".jp-Dialog-footer") === null : index === 1;
    if (!sends || check()) {
      resolve(index);
    } else {
      first.focus();
    }
  };
  const result = await dialog.launch();
  return result.button.accept ? result.value : null;
}

async function submit(lab, state, paths) {
  const { Notification } = lab.apputils;
  const wanted = await askWhatFor(lab, paths);
  if (wanted === null) {
    return;
  }
  // While it lasts the status bar says so: a notification that is changed before it stands is not changed.
  const open = { label: say("my_requests"), callback: () => window.open(told.requests, "_blank", "noopener") };
  const options = { autoClose: false, actions: [open] };
  state.doing(say("submit_pending"));
  try {
    const body = JSON.stringify({ paths, ...wanted });
    const made = await ask(lab, state.settings, "onggi/requests", { method: "POST", body });
    Notification.success(say("submit_done", { id: made.id }), options);
  } catch (error) {
    Notification.error(say("submit_failed", { why: error.message }), options);
  } finally {
    state.doing("");
  }
}

function selected(browser) {
  return browser ? [...browser.selectedItems()].filter((item) => item.type !== "directory").map((item) => item.path) : [];
}

export function submitPlugin(lab) {
  return {
    id: "@onggi/lab:submit",
    autoStart: true,
    requires: [stateToken(lab)],
    optional: [lab.filebrowser.IFileBrowserFactory, lab.apputils.ICommandPalette],
    activate: (app, state, factory, palette) => {
      const chosen = (args) => args.paths ?? selected(factory?.tracker.currentWidget);
      app.commands.addCommand(SUBMIT, {
        label: say("submit"),
        caption: say("submit_caption"),
        isEnabled: (args) => chosen(args).length > 0 && chosen(args).length <= told.limits.files,
        execute: (args) => submit(lab, state, chosen(args)),
      });
      app.commands.addCommand(REQUESTS, {
        label: say("my_requests"),
        execute: () => window.open(told.requests, "_blank", "noopener"),
      });
      app.contextMenu.addItem({ command: SUBMIT, selector: '.jp-DirListing-item[data-isdir="false"]', rank: 2 });
      for (const command of [SUBMIT, REQUESTS]) {
        palette?.addItem({ command, category: say("category") });
      }
    },
  };
}

// A data file that is opened says why it is not shown, and what to do instead. Its contents are not asked for.
import { SUBMIT } from "./submit.js";
import { element, say, size, told } from "./told.js";

const NAME = "onggi-not-shown";

function shownPattern() {
  const suffixes = told.shown_suffixes.map((one) => one.replace(".", "\\.")).join("|");
  return `^(?!.*(?:${suffixes})$).*$`;
}

function contentOf(app, context) {
  const name = context.path.split("/").pop();
  const bytes = context.contentsModel?.size;
  const submit = element("button", { type: "button", class: "jp-Dialog-button jp-mod-accept jp-mod-styled" }, say("submit"));
  submit.addEventListener("click", () => app.commands.execute(SUBMIT, { paths: [context.path] }));
  const read = element("code", {}, `pandas.read_csv(${JSON.stringify(context.path)})`);
  const list = element(
    "ul",
    {},
    element("li", {}, say("not_shown_read"), " ", read),
    element("li", {}, say("not_shown_submit")),
  );
  const facts = bytes === undefined || bytes === null ? name : `${name} · ${size(bytes)}`;
  return element(
    "section",
    { class: "onggi-not-shown", "aria-label": say("not_shown_title") },
    element("h1", {}, say("not_shown_title")),
    element("p", { class: "onggi-faint" }, facts),
    element("p", {}, say("not_shown_why")),
    list,
    element("p", {}, submit),
  );
}

export function notShownPlugin(lab) {
  const { ABCWidgetFactory, DocumentWidget, TextModelFactory } = lab.docregistry;

  class NothingModel extends TextModelFactory {
    get name() {
      return NAME;
    }

    get contentType() {
      return "file";
    }

    get fileFormat() {
      return null; // which asks the server for name and size alone
    }
  }

  class Factory extends ABCWidgetFactory {
    constructor(app, options) {
      super(options);
      this.app = app;
    }

    createNewWidget(context) {
      const content = new lab.widgets.Widget();
      context.ready.then(() => content.node.replaceChildren(contentOf(this.app, context)));
      return new DocumentWidget({ content, context });
    }
  }

  return {
    id: "@onggi/lab:not-shown",
    autoStart: true,
    activate: (app) => {
      const registry = app.docRegistry;
      registry.addModelFactory(new NothingModel());
      registry.addFileType({
        name: NAME,
        displayName: say("not_shown_title"),
        extensions: [],
        pattern: shownPattern(),
        contentType: "file",
        fileFormat: "text",
      });
      registry.addWidgetFactory(
        new Factory(app, {
          name: NAME, label: say("not_shown_title"), modelName: NAME, fileTypes: [NAME], defaultFor: [NAME], readOnly: true,
        }),
      );
    },
  };
}

// A data file that is opened says why it is not shown, and what to do instead. Its contents are not asked for.
import { SUBMIT } from "./submit.js";
import { element, say, told } from "./told.js";

const NAME = "onggi-not-shown";

function shownPattern() {
  const suffixes = told.shown_suffixes.map((one) => one.replace(".", "\\.")).join("|");
  return `^(?!.*(?:${suffixes})$).*$`;
}

function howToRead(path) {
  const readers = { csv: "read_csv", json: "read_json", parquet: "read_parquet", xlsx: "read_excel" };
  const reader = readers[path.split(".").pop().toLowerCase()];
  return reader ? `pandas.${reader}(${JSON.stringify(path)})` : `open(${JSON.stringify(path)}, "rb").read()`;
}

function contentOf(app, path) {
  const submit = element("button", { type: "button", class: "jp-Dialog-button jp-mod-accept jp-mod-styled" }, say("submit"));
  submit.addEventListener("click", () => app.commands.execute(SUBMIT, { paths: [path] }));
  return element(
    "section",
    { class: "onggi-not-shown", "aria-label": say("not_shown_title") },
    element("h1", {}, say("not_shown_title")),
    element("p", {}, element("strong", {}, path)),
    element("p", {}, say("not_shown_why")),
    element(
      "ul",
      {},
      element("li", {}, say("not_shown_read"), " ", element("code", {}, howToRead(path))),
      element("li", {}, say("not_shown_submit")),
    ),
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
      context.ready.then(() => content.node.replaceChildren(contentOf(this.app, context.path)));
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

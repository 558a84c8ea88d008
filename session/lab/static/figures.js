// Figures of stored notebooks that were never drawn here. The server sends their names; a figure is asked for when a
// person comes to it, and is drawn, counted and put on record then. It is shown by JupyterLab's own renderer.
import { ask } from "./connection.js";
import { element, say } from "./told.js";

const TYPE = "application/vnd.onggi.figure.v1+json";
const NEAR = "400px";
const KEPT = 100;
const asked = new Map();

/** The figure of a name: asked for once, as long as it is among the last that were. */
function figureOf(lab, settings, name) {
  const found = asked.get(name) ?? ask(lab, settings, `onggi/figures/${name}`);
  found.catch(() => asked.delete(name));
  asked.delete(name);
  asked.set(name, found);
  if (asked.size > KEPT) {
    asked.delete(asked.keys().next().value);
  }
  return found;
}

function viewOf(lab, rendermime, settings) {
  return class extends lab.widgets.Widget {
    constructor() {
      super();
      this.addClass("onggi-figure");
      this.layout = new lab.widgets.PanelLayout();
      this.said = element("p", { class: "onggi-figure-said", role: "status" });
      this.node.append(this.said);
      this.watch = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && this.fetch(), {
        rootMargin: NEAR,
        scrollMargin: NEAR,
      });
    }

    async renderModel(model) {
      this.name = model.data[TYPE].figure;
      this.size = model.metadata[TYPE] ?? {};
      this.said.textContent = say("figure_drawing");
      this.watch.observe(this.node);
    }

    async fetch() {
      this.watch.disconnect();
      try {
        const { kind, data } = await figureOf(lab, settings, this.name);
        if (!this.isDisposed) {
          await this.show(kind, data);
        }
      } catch (error) {
        this.refuse(error.message);
      }
    }

    async show(kind, data) {
      const inner = rendermime.createRenderer(kind);
      await inner.renderModel(rendermime.createModel({ data: { [kind]: data }, metadata: { [kind]: this.size } }));
      this.said.remove();
      this.layout.addWidget(inner);
    }

    refuse(why) {
      const again = element("button", { type: "button", class: "onggi-button onggi-button-quiet" }, say("figure_again"));
      again.addEventListener("click", () => {
        this.said.textContent = say("figure_drawing");
        this.fetch();
      });
      this.said.replaceChildren(why, " ", again);
    }

    dispose() {
      this.watch.disconnect();
      super.dispose();
    }
  };
}

export function figuresPlugin(lab) {
  const { IRenderMimeRegistry } = lab.rendermime;
  const { IServerSettings } = lab.services;
  return {
    id: "@onggi/lab:figures",
    autoStart: true,
    requires: [IRenderMimeRegistry, IServerSettings],
    activate: (_, rendermime, settings) => {
      const View = viewOf(lab, rendermime, settings);
      rendermime.addFactory({ safe: true, mimeTypes: [TYPE], createRenderer: () => new View() }, 0);
    },
  };
}

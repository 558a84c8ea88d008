// Figures of stored notebooks that were never drawn here. The server sends their names; a figure is asked for when a
// person comes to it, and is drawn, counted and put on record then. It is shown by JupyterLab's own renderer.
import { ask } from "./connection.js";
import { element, say } from "./told.js";

const TYPE = "application/vnd.onggi.figure.v1+json";
const NEAR = "400px";
const PASSING_MS = 150;
const KEPT = 100;
const asked = new Map();
let last = Promise.resolve();

/** The figure of a name: asked for once, as long as it is among the last that were; one after the other, as the server
 * draws them, so that a browser's few connections stay free for saving and the like. */
function figureOf(lab, settings, name) {
  let found = asked.get(name);
  if (!found) {
    found = last.then(() => ask(lab, settings, `onggi/figures/${name}`));
    last = found.catch(() => {});
  }
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
      this.watch = new IntersectionObserver((seen) => this.come(seen.at(-1).isIntersecting), {
        rootMargin: NEAR,
        scrollMargin: NEAR,
      });
    }

    async renderModel(model) {
      const name = model.data[TYPE].figure;
      if (name === this.name) {
        return; // JupyterLab renders again what it comes to trust
      }
      this.name = name;
      this.size = model.metadata[TYPE] ?? {};
      this.said.textContent = say("figure_drawing");
      this.watch.observe(this.node);
    }

    /** Near or not; a figure that a person scrolls past is none that they came to. */
    come(near) {
      clearTimeout(this.soon);
      if (near) {
        this.soon = setTimeout(() => this.fetch(), PASSING_MS);
      }
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
      clearTimeout(this.soon);
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

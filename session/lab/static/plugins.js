// All plug-ins of the extension, and the modules of JupyterLab that they need.
import { closeCommands } from "./closed_commands.js";
import { connectionPlugins } from "./connection.js";
import { copyingPlugin } from "./copying.js";
import { endedPlugin } from "./ended.js";
import { figuresPlugin } from "./figures.js";
import { notShownPlugin } from "./not_shown.js";
import { statePlugin } from "./state.js";
import { submitPlugin } from "./submit.js";
import { watermarkPlugin } from "./watermark.js";

export const NEEDED = {
  application: "@jupyterlab/application",
  apputils: "@jupyterlab/apputils",
  commands: "@lumino/commands",
  coreutils: "@lumino/coreutils",
  docregistry: "@jupyterlab/docregistry",
  filebrowser: "@jupyterlab/filebrowser",
  notebook: "@jupyterlab/notebook",
  rendermime: "@jupyterlab/rendermime",
  services: "@jupyterlab/services",
  signaling: "@lumino/signaling",
  statusbar: "@jupyterlab/statusbar",
  widgets: "@lumino/widgets",
};

export function makePlugins(lab) {
  closeCommands(lab);
  return [
    ...connectionPlugins(lab),
    statePlugin(lab),
    endedPlugin(lab),
    figuresPlugin(lab),
    submitPlugin(lab),
    notShownPlugin(lab),
    watermarkPlugin(lab),
    copyingPlugin(lab),
  ];
}

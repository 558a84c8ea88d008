// The container that JupyterLab's module federation asks for our plug-ins: `init` hands us the modules that the
// page shares, `get` answers with ours. Written by hand: what it needs of a bundler is these few lines.
"use strict";
(() => {
  const here = document.currentScript.src;
  let shared;

  async function moduleOf(name) {
    const versions = Object.values(shared[name] ?? {});
    if (versions.length === 0) {
      throw new Error(`JupyterLab shares no ${name}`);
    }
    return (await versions[0].get())();
  }

  window._JUPYTERLAB ??= {};
  window._JUPYTERLAB["@onggi/lab"] = {
    init(scope) {
      shared = scope;
    },
    async get() {
      const { makePlugins, NEEDED } = await import(new URL("plugins.js", here));
      const modules = await Promise.all(Object.values(NEEDED).map(moduleOf));
      const lab = Object.fromEntries(Object.keys(NEEDED).map((key, index) => [key, modules[index]]));
      const plugins = makePlugins(lab);
      return () => plugins;
    },
  };
})();

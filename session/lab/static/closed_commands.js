// Commands that download, export, share or print are neither shown nor run, whichever plug-in brings them: the
// plug-ins that we know are switched off by the server; this holds for those that an upgrade may add. The server
// refuses their addresses besides.
// The hub's own page is not there: the desk is. Of the two ways to sign out, `hub:logout` is there: it leads past
// everything that knows the browser. A session is stopped on the desk.
const CLOSED = /download|export|share|print|nbconvert|^(hub:(control-panel|restart)|filemenu:(logout|shutdown))$/i;

export function closeCommands(lab) {
  const registry = lab.commands.CommandRegistry.prototype;
  const { addCommand } = registry;
  registry.addCommand = function (id, options) {
    const closed = { isVisible: () => false, isEnabled: () => false, execute: () => undefined };
    return addCommand.call(this, id, CLOSED.test(id) ? { ...options, ...closed } : options);
  };
}

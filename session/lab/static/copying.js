// A word to who copies much out of an output: that results leave by a request. It is said, nothing is hindered.
import { say, told } from "./told.js";

const AGAIN_MS = 60_000;

export function copyingPlugin(lab) {
  return {
    id: "@onggi/lab:copying",
    autoStart: true,
    activate: () => {
      let last = -AGAIN_MS;
      document.addEventListener("copy", () => {
        const selection = document.getSelection();
        const output = selection?.anchorNode?.parentElement?.closest(".jp-OutputArea-output");
        const many = selection?.toString().length > told.copy_reminder_characters;
        if (output && many && performance.now() - last > AGAIN_MS) {
          last = performance.now();
          lab.apputils.Notification.info(say("copy_reminder"), { autoClose: 10_000 });
        }
      });
    },
  };
}

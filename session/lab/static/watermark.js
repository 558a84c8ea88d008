// Who looks at which project, and when: over the whole page and in print, where the policy asks for it. It takes no
// click and no reader's attention. Whoever rules the browser can remove it: it reminds and deters, it holds nothing.
import { told } from "./told.js";

const EVERY_MS = 60_000;
const TILE = { width: 420, height: 220 };

function tile(text) {
  const escaped = text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${TILE.width}" height="${TILE.height}">` +
    `<text x="${TILE.width / 2}" y="${TILE.height / 2}" text-anchor="middle" font-family="sans-serif" font-size="15" ` +
    `fill="#808080" fill-opacity="0.17" transform="rotate(-24 ${TILE.width / 2} ${TILE.height / 2})">${escaped}</text></svg>`;
  return `url("data:image/svg+xml,${encodeURIComponent(svg)}")`;
}

function now() {
  return new Intl.DateTimeFormat("sv", { dateStyle: "short", timeStyle: "short" }).format(new Date());
}

export function watermarkPlugin() {
  return {
    id: "@onggi/lab:watermark",
    autoStart: true,
    activate: () => {
      if (!told.watermark) {
        return;
      }
      const layer = document.createElement("div");
      layer.id = "onggi-watermark";
      layer.setAttribute("aria-hidden", "true");
      const draw = () => {
        const text = `${told.member} · ${told.project} · ${now()}`;
        layer.dataset.text = text;
        layer.style.backgroundImage = tile(text);
      };
      draw();
      setInterval(draw, EVERY_MS);
      window.addEventListener("beforeprint", draw);
      document.body.append(layer);
    },
  };
}

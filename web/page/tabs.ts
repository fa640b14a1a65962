// Tabs: chosen by a click, the arrow keys, Home and End.

/** How many tabs a key moves by; a tab's number where the key means that one. */
const MOVES: Record<string, (at: number, count: number) => number> = {
  ArrowLeft: (at, count) => (at + count - 1) % count,
  ArrowRight: (at, count) => (at + 1) % count,
  Home: () => 0,
  End: (_, count) => count - 1,
};

/** Makes the buttons of a list show the panels that they name, and gives what shows one. */
export function tabs(list: HTMLElement): (panel: string) => void {
  const all = [...list.querySelectorAll<HTMLButtonElement>("[role=tab]")];
  const panel = (tab: HTMLButtonElement) => tab.getAttribute("aria-controls") ?? "";
  const show = (wanted: string) => {
    for (const tab of all) {
      const shown = panel(tab) === wanted;
      tab.setAttribute("aria-selected", String(shown));
      tab.tabIndex = shown ? 0 : -1;
      document.getElementById(panel(tab))?.toggleAttribute("hidden", !shown);
    }
  };
  all.forEach((tab, at) => {
    tab.addEventListener("click", () => show(panel(tab)));
    tab.addEventListener("keydown", (event) => {
      const next = all[MOVES[event.key]?.(at, all.length) ?? -1];
      if (!next) return;
      event.preventDefault();
      show(panel(next));
      next.focus();
    });
  });
  return show;
}

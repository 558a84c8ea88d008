// Follows the progress of a starting session and goes on when it is ready, or when it failed.
"use strict";
const bar = document.getElementById("progress");
const events = new EventSource(bar.dataset.events);
events.onmessage = (event) => {
  const news = JSON.parse(event.data);
  if (typeof news.progress === "number") {
    bar.value = news.progress;
  }
  if (news.ready || news.failed) {
    events.close();
    window.location.reload();
  }
};

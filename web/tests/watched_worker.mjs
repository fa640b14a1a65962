// The package's worker, in a browser that gives less.

import "./watched.mjs";
import "/package/worker.js";

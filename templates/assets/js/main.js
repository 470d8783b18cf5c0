// Everything a page gains with script: live fragments, keys, the theme switch, copy buttons, relative times.
import { startContext } from './context.js';
import { startCopying } from './copy.js';
import { startDiffView } from './diff-view.js';
import { startDrawer } from './drawer.js';
import { startFilling } from './fill.js';
import { startFinder } from './finder.js';
import { startKeys } from './keys.js';
import { startLines } from './lines.js';
import { startLive } from './live.js';
import { startLogs } from './log.js';
import { startLogComments } from './log-comment.js';
import { startMentions } from './mentions.js';
import { startMore } from './more.js';
import { startNostr } from './nostr.js';
import { offerNewer } from './newer.js';
import { startPasskeys } from './passkey.js';
import { startTalk } from './talk.js';
import { startThemeSwitch } from './theme-switch.js';
import { startTimes } from './times.js';
import { startTree } from './tree.js';
import { startViewed } from './viewed.js';

/** Called for the page, and again for every fragment that replaces a part of it. */
function enhance(root) {
  startCopying(root);
  startTimes(root);
  offerNewer();
}

enhance(document);
startThemeSwitch();
startDiffView();
startContext();
startKeys();
startLogs();
startLogComments();
startMentions();
startMore();
startNostr();
startPasskeys();
startFilling(enhance);
startFinder(enhance);
startLines();
startTalk(enhance);
startDrawer(enhance);
startTree();
startViewed();
startLive(enhance);

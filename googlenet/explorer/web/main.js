// Puts the page together: each view draws itself, and again whenever something that it shows changes.

import "explorer/bar";
import "explorer/network_view";
import "explorer/tabs";
import "explorer/answer_view";
import "explorer/tour";
import { drawAll } from "explorer/state";

drawAll();

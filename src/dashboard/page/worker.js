// The SharedWorker: holds the one stream for all tabs. A tab that crashed says no goodbye, but its lock is free then.
import { Hub } from "./hub.js";

const hub = new Hub();

self.onconnect = (connection) => {
  const port = connection.ports[0];
  port.onmessage = ({ data }) => {
    if (data.type === "topics") hub.join(port, data.topics);
    if (data.type === "retry") hub.retry();
    if (data.type === "leave") hub.leave(port);
    if (data.type === "lock") leaveWithLock(port, data.name);
  };
};

function leaveWithLock(port, name) {
  navigator.locks?.request(name, () => hub.leave(port));
}

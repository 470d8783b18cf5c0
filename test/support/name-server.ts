import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** A name server that gives one address after the other, round and round; it knows no IPv6. */
export async function openNameServer(addresses: readonly string[]) {
  const socket = createSocket('udp4');
  let asked = 0;
  socket.on('message', (query, from) => {
    const end = query.indexOf(0, 12) + 5;
    const isIpv4 = query.readUInt16BE(end - 4) === 1;
    const header = Buffer.from(query.subarray(0, 12));
    header.writeUInt16BE(0x8180, 2);
    header.writeUInt16BE(isIpv4 ? 1 : 0, 6);
    header.writeUInt32BE(0, 8);
    const address = addresses[asked % addresses.length] ?? '0.0.0.0';
    if (isIpv4) asked += 1;
    // A pointer to the name in the question, type A, class IN, valid for no second, four bytes.
    const answer = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...address.split('.').map(Number)]);
    const parts = [header, query.subarray(12, end), ...(isIpv4 ? [answer] : [])];
    socket.send(Buffer.concat(parts), from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    at: `127.0.0.1:${socket.address().port}`,
    /** How often an IPv4 address was asked for. */
    asked: () => asked,
    close: () => socket.close(),
  };
}

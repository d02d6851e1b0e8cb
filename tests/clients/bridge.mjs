// A LIME session over WebSocket in front of the simulator's HTTP side: the two SDKs speak nothing else.
//
// Usage: node bridge.mjs BASE_URL. Prints its port. Every command and message is passed on with the key of the session.
import http from 'node:http';
import websocket from 'websocket';

const base = process.argv[2];
const server = http.createServer((_, response) => response.writeHead(404).end());
const sockets = new websocket.server({ httpServer: server, autoAcceptConnections: false });

async function post(path, authorization, envelope) {
    const headers = { Authorization: authorization, 'Content-Type': 'application/json' };
    const response = await fetch(base + path, { method: 'POST', headers, body: JSON.stringify(envelope) });
    return { status: response.status, text: await response.text() };
}

// A session carries the bot's name and its secret apart, an HTTP key carries both.
function authorizationOf(identity, secret) {
    const bot = identity.split('@')[0];
    return 'Key ' + Buffer.from(`${bot}:${Buffer.from(secret, 'base64')}`).toString('base64');
}

sockets.on('request', (request) => {
    const connection = request.accept('lime', request.origin);
    const session = { id: 'session', from: 'postmaster@msging.net', authorization: null };
    const send = (envelope) => connection.sendUTF(JSON.stringify(envelope));
    const state = (state, more = {}) => send({ id: session.id, from: session.from, state, ...more });

    async function onSession(envelope) {
        if (envelope.state === 'new') return state('authenticating', { schemeOptions: ['key'] });
        if (envelope.state === 'finishing') return state('finished');
        const node = envelope.from.split('/')[0];
        session.authorization = authorizationOf(node, envelope.authentication.key);
        const answer = await post('/commands', session.authorization, { id: 'ping', method: 'get', uri: '/ping' });
        if (answer.status !== 200) return state('failed', { reason: JSON.parse(answer.text) });
        return state('established', { to: envelope.from });
    }

    async function onCommand(envelope) {
        // Presence and receipts belong to the session.
        if (envelope.uri === '/presence' || envelope.uri === '/receipt') {
            return send({ id: envelope.id, method: envelope.method, from: session.from, status: 'success' });
        }
        const answer = await post('/commands', session.authorization, envelope);
        return connection.sendUTF(answer.text);
    }

    connection.on('message', async ({ utf8Data }) => {
        const envelope = JSON.parse(utf8Data);
        if (envelope.state) return onSession(envelope);
        if (envelope.method) return onCommand(envelope);
        return post(envelope.event ? '/notifications' : '/messages', session.authorization, envelope);
    });
});

server.listen(0, '127.0.0.1', () => console.log(server.address().port));

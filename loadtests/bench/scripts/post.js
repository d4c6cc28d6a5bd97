import http from 'k6/http';

const body = open(__ENV.BENCH_REQUEST);
const parameters = { headers: { 'Content-Type': 'application/json' } };

export const options = {
  discardResponseBodies: true,
  scenarios: {
    closed: {
      executor: 'constant-vus',
      vus: Number(__ENV.BENCH_USERS),
      duration: `${__ENV.BENCH_SECONDS}s`,
    },
  },
};

export default function () {
  http.post(__ENV.BENCH_URL, body, parameters);
}

export function handleSummary(data) {
  return { stdout: `${JSON.stringify(data)}\n` };
}

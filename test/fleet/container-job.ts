/** Jobs of one architecture, with all that containers of them can be told. */
export const job = {
  image: 'r.example.com/moby-patch:1',
  reference: 'oci://r.example.com/fleet',
  plan: '0123456789abcdef',
  group: { architecture: 'arm64', count: 20 },
  environment: ['A=b=c'],
  secrets: ['token'],
  hasLogin: true,
};

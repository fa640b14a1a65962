/** Files whose addresses Vite gives. */
declare module "*?url" {
  const address: string;
  export default address;
}

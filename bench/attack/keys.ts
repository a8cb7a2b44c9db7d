/** The keys of the workspaces in an attack. */
export const KEYS = {
  neighbour: "weir_attacked_neighbour_Tq7Wn2Xc5Vb8",
  /** Its workspace has limits as high as the neighbour's, and its own upstreams. */
  attacker: "weir_attack_first_Gh4Jk9Lm3Np6",
  second: "weir_attack_second_Rs8Tv1Wx5Yz2",
  /** Its workspace has the default limits. */
  limited: "weir_attack_limited_Bc6Df3Gh9Jk1",
} as const;

// The program of a project that uses the SIMT layer alone, without cards: link dyad::simt_main and define
// this.
#pragma once

// Launches kernels on SimtStream. Returns 0 if the results are right. It runs in a process of its own; what
// it throws, what a sanitizer reports and a crash are printed as findings, one line each.
int run_kernels(int argc, char** argv);

// Entries of options that several commands have: each name stands here once. Help and range are passed in
// where they differ.
#pragma once

#include "apps/options/fields.h"

namespace apps {

// Images and runs
Field data_entry(std::string&);
Field split_entry(std::string&, const std::vector<std::string>& choices, const std::string& help);
Field split_from_entry(double&);
Field labels_entry(double&);           // a share of the labels
Field labels_entry(std::string&);      // a file of labels
Field label_file_entry(std::string&);  // the same, where --labels is a share
Field bad_images_entry(std::string&, const std::string& help);
Field run_entry(std::string&, const std::string& help);
Field checkpoint_entry(std::string&);
Field out_entry(std::string&, const std::string& help);
Field out_file_entry(std::string& value,
                     const std::string& help);                  // a file, which is checked before the work
Field embeddings_entry(std::string&, const std::string& help);  // a file of features
Field features_entry(std::string&, const std::string& help);    // which part of the encoder
Field image_size_entry(int&, const std::string& help, int least = 8);
Field recipe_entry(std::string&);
Field view_rules_entry(std::string&);

// Model
Field method_entry(std::string&, const std::string& help);
Field arch_entry(std::string&, const std::string& help);
Field stem_entry(std::string&, const std::string& help);  // without "auto"
Field width_entry(double&);
Field recompute_entry(std::string&);
Field dtype_entry(std::string&, const std::string& help);

// Training
Field batch_entry(int&, const std::string& help, int least = 1);
Field epochs_entry(int&, const std::string& help);
Field steps_entry(long&, const std::string& help);
Field lr_entry(double&, const std::string& help);
Field weight_decay_entry(double&, const std::string& help);
Field k_entry(int&, const std::string& help);  // neighbours
Field seed_entry(std::uint64_t&, const std::string& help);

// Machine
Field device_entry(std::string&);
Field loader_threads_entry(int&);
Field decoder_threads_entry(int&);
int decoder_threads(int given);            // its value: `given`, or one per core
Field kernel_threads_entry(std::string&);  // how the CPU device runs the threads of a block

// Start of a command
Field config_entry(std::string&, const std::string& help);
Field dry_run_entry(bool&, const std::string& help);
Field jobs_entry(int&, const std::string& help, int least);

// Kernels
Field op_entry(std::string&);
Field repeat_entry(int&, const std::string& help);
Field before_entry(std::string&, const std::string& help);
Field after_entry(std::string&, const std::string& help);
Field find_entry(int&);
Field floor_entry(std::string&);
Field list_entry(std::string&);
Field list_entry(bool&);

// Results
Field json_entry(std::string&);
Field csv_entry(std::string&);
Field html_entry(std::string&, const std::string& help);

}  // namespace apps

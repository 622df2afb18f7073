"""Every public function and class with good arguments, and what each argument is: for the tests of wrong types."""
